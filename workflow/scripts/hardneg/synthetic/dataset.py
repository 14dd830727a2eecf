"""Generate a data set on which the whole workflow can be tried: sites, recorders, nights, and the sounds of each file.

Nothing in it was recorded, and every page that shows its results states so.
"""

import numpy as np
import pandas as pd

OOD_SITE = "reservoir"
LABELLED_SITES = {"marsh": 4, "pond": 4, "creek": 4, OOD_SITE: 5}
POOL_SITES = {"marsh": 3, "pond": 3, "creek": 3, "meadow": 3}
NIGHTS = 8
FIRST_NIGHT = "2025-02-01"
FIRST_HOUR, HOURS = 20, 8
OOD_SHARE = 0.28
HIDDEN_SHARE = 0.02
POSITIVE_SHARE = {"labelled": 0.5, "ood": 0.4}
SNR_DB = {"high": (0, 9), "medium": (-8, -2), "low": (-14, -9)}
CONFUSERS = ("tree_frog", "chorus_frog", "bullfrog", "voice", "engine")
NEGATIVES: dict[str, dict[str, float]] = {
    "labelled": {"quiet": 4, "rain": 2, "wind": 2, "insect": 3, "engine": 0.7, "chorus_frog": 0.5, "voice": 0.3},
    "ood": {"quiet": 2, "rain": 1, "wind": 1, "insect": 1, "engine": 1, "voice": 1, "chorus_frog": 1, "bullfrog": 2,
            "tree_frog": 3},
    "pool": {"quiet": 5, "rain": 2.5, "wind": 2.5, "insect": 2.5, "engine": 1, "voice": 1, "chorus_frog": 1,
             "bullfrog": 1, "tree_frog": 1.5},
}  # fmt: skip
TRUTH = ["sound", "snr_db", "hidden"]
RENDERING = ["sample_rate_hz", "duration_s", "seed"]


def draw_design(
    labelled_files: int,
    pool_files: int,
    duration_s: float,
    sample_rate: int,
    seed: int,
    confusers: float = 1.0,
    hidden_share: float = HIDDEN_SHARE,
    snr_shift_db: float = 0.0,
) -> pd.DataFrame:
    """Draw the manifest of a generated data set, and the truth about it.

    Four sites have recorders with labeled files. One of these sites (:data:`OOD_SITE`) is meant to be held out. Other
    recorders make the pool. Two effects are planted. The pool and the held-out site contain sounds like the target that
    the labeled negatives lack, so hard negatives help there. A share of the pool's files contains the target although
    the manifest labels it negative, so hard negatives do harm unless these files are left out.

    Parameters
    ----------
    labelled_files, pool_files : number of files.
    duration_s : length of every file (s).
    sample_rate : of every file (Hz).
    seed : of the random draws.
    confusers : how far the negatives of the pool and of the held-out site differ from the labeled negatives, from 0
        (the same sounds, equally frequent) to 1 (:data:`NEGATIVES`).
    hidden_share : share of the pool's files that contain the target.
    snr_shift_db : added to the signal-to-noise ratio of every sound (dB).

    Returns
    -------
    One row per file with the columns of a manifest, :data:`TRUTH` and :data:`RENDERING`. The date is only in the file
    name, as for recordings from the field. Nights run over midnight. ``split`` is empty except for ``pool``.
    ``sound`` names what sounds, ``snr_db`` is its signal-to-noise ratio, and ``hidden`` marks the target in the pool.
    """
    rng = np.random.default_rng(seed)
    ood_files = round(OOD_SHARE * labelled_files)
    iid_sites = {site: count for site, count in LABELLED_SITES.items() if site != OOD_SITE}
    parts = [
        _draw_files(rng, "labelled", labelled_files - ood_files, iid_sites, POSITIVE_SHARE["labelled"], confusers),
        _draw_files(rng, "ood", ood_files, {OOD_SITE: LABELLED_SITES[OOD_SITE]}, POSITIVE_SHARE["ood"], confusers),
        _draw_files(rng, "pool", pool_files, POOL_SITES, hidden_share, confusers),
    ]
    table = pd.concat(parts, ignore_index=True)
    table["snr_db"] = (table.snr_db + snr_shift_db).round(1)
    is_pool = table.role == "pool"
    has_target = table.sound == "target_call"
    table["label"] = np.where(has_target & ~is_pool, "positive", "negative")
    table["quality"] = table.quality.where(has_target & ~is_pool, "")
    table["call_type"] = np.where(has_target & ~is_pool, "advertisement", "")
    table["split"] = np.where(is_pool, "pool", "")
    table["hidden"] = has_target & is_pool
    table["sample_rate_hz"], table["duration_s"], table["seed"] = sample_rate, duration_s, seed
    columns = ["file_path", "label", "split", "quality", "call_type", "site", "recorder_id"]
    return table[[*columns, *TRUTH, *RENDERING]]


def extract_manifest(design: pd.DataFrame) -> pd.DataFrame:
    """Return the part of a design that a person would know: the manifest without the truth."""
    return design.drop(columns=[*TRUTH, *RENDERING])


def _mix_negatives(role: str, confusers: float) -> dict[str, float]:
    """Compute how frequent each sound is among the negatives of a role, between the labeled ones and its own.

    Parameters
    ----------
    role : key of :data:`NEGATIVES`.
    confusers : 0 for the shares of the labeled negatives, 1 for those of the role.

    Returns
    -------
    Share of each sound of the role, in the order of the table. The shares add up to 1.
    """
    weights = [np.array([NEGATIVES[name].get(sound, 0) for sound in NEGATIVES[role]]) for name in (role, "labelled")]
    own, labelled = (part / part.sum() for part in weights)
    shares = confusers * own + (1 - confusers) * labelled
    return dict(zip(NEGATIVES[role], shares.tolist(), strict=True))


def _draw_files(
    rng: np.random.Generator, role: str, files: int, sites: dict[str, int], target_share: float, confusers: float
) -> pd.DataFrame:
    """Draw the recorder, time and sound of `files` files; `sites` maps each site to its number of recorders."""
    prefix = "p" if role == "pool" else "r"
    recorders = [(site, f"{site}-{prefix}{number}") for site, count in sites.items() for number in range(1, count + 1)]
    recorder = rng.integers(len(recorders), size=files)
    nights = pd.Timestamp(FIRST_NIGHT) + pd.to_timedelta(rng.integers(NIGHTS, size=files) * 5, unit="D")
    starts = HOURS * 1800  # one every two seconds
    ordered = np.sort(rng.choice(starts, size=files, replace=files > starts))
    recorded_at = nights + pd.to_timedelta(FIRST_HOUR * 3600 + 2 * ordered, unit="s")
    shares = _mix_negatives(role, confusers)
    sounds = rng.choice(list(shares), size=files, p=list(shares.values()))
    sounds = np.where(rng.permutation(files) < round(target_share * files), "target_call", sounds)
    quality = rng.choice(list(SNR_DB), size=files)
    low, high = np.array([SNR_DB[name] for name in quality]).T
    table = pd.DataFrame({"role": role, "sound": sounds, "quality": quality, "snr_db": rng.uniform(low, high).round(1)})
    table[["site", "recorder_id"]] = [recorders[index] for index in recorder]
    stamps = recorded_at.strftime("%Y%m%d_%H%M%S")
    table["file_path"] = table.site + "/" + table.recorder_id + "/" + stamps + ".WAV"
    return table
