FIGURES = ["metrics", "precision_recall", "pool_scores", "training_curves"]
