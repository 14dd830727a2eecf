"""Names of splits, metrics and clusters of files as people read them."""

SPLIT_NAMES = {
    "val": "Validation",
    "test_iid": "In distribution (IID)",
    "test_ood": "Out of distribution (OOD)",
    "test_pool": "Held-out pool",
}
METRIC_NAMES = {
    "average_precision": "Average precision",
    "auroc": "AUROC",
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "false_positives_per_hour": "False positives per hour",
    "precision_at_baseline_recall": "Precision at the baseline's recall",
    "recall_at_baseline_precision": "Recall at the baseline's precision",
    "recall_at_baseline_fp_rate": "Recall at the baseline's false positives per hour",
    "fp_rate_at_baseline_recall": "False positives per hour at the baseline's recall",
}
CLUSTER_NAMES = {
    "night": "recorder-nights",
    "date": "nights of a site, with all its recorders",
    "site": "sites",
}
