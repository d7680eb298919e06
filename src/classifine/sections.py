"""Takes nothing and gives what a user may choose of data, model and training: names, defaults and meanings.

Names are Hugging Face's where Hugging Face has one. Does not know how settings are read, checked or used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


def setting(
    default: Any, about: str, *, least: float | None = None, most: float | None = None, above: float | None = None
) -> Any:
    """Make a field of a section: its default, what it is about, and its bounds."""
    metadata = {"about": about, "least": least, "most": most, "above": above}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class DataSettings:
    """Which columns are what, and how the rows are divided."""

    text: str = setting("text", "column that holds the text")
    text_pair: str | None = setting(None, "column that holds a second text, where a label is given to a pair of texts")
    label: str = setting("label", "column that holds the label")
    id: str | None = setting(None, "column that names the item; without one, the row number does")
    on: str | None = setting(None, "column by which labels and texts of two files are joined; without one, id")
    annotator: str | None = setting(None, "column that names the annotator, when each row is one judgement")
    annotator_columns: tuple[str, ...] = setting((), "one column per annotator, when each row is one item")
    group: str | None = setting(None, "column whose equal rows stay in one split: author, thread, original")
    time: str | None = setting(None, "column of dates: the latest texts are the test texts")
    split: str | None = setting(None, "column that says train, validation or test of each row")
    slice_by: tuple[str, ...] = setting((), "columns by whose values scores are also given: platform, year, country")
    positive: str | None = setting(None, "the label that precision, recall and F1 of a binary task speak of")
    multi_label: bool = setting(False, "a text may have several labels; needs label_separator")
    label_separator: str | None = setting(None, "what stands between the labels of a text that has several")
    blank_labels: Literal["missing", "none"] = setting(
        "missing",
        "what a blank label says: it is missing, and the row is left out; or the text has none of the several labels",
    )
    keep_labels: tuple[str, ...] = setting((), "labels that are used; rows of others are left out and counted")
    merge_labels: dict[str, str] = setting({}, "labels that count as another: old = new")
    label_names: dict[str, str] = setting({}, "names of labels that the data holds as codes: code = name")
    min_rows: int = setting(1, "rows a label must have to be used; rarer ones are left out and counted", least=1)
    level_separator: str | None = setting(
        None, "what stands between the levels of a hierarchical label: / where one is A/01/011"
    )
    level_prefixes: tuple[int, ...] = setting(
        (), "how many first characters of a hierarchical label name its upper levels: 1,2"
    )
    label_parents: dict[str, str] = setting({}, "the code above each hierarchical label: label = parent")
    aggregation: Literal["majority", "dawid-skene", "one-coin", "soft", "expert", "unanimous"] = setting(
        "majority", "how many judgements become one label"
    )
    expert: str | None = setting(None, 'the annotator whose judgement wins; for aggregation = "expert"')
    ties: Literal["drop", "review", "random", "priority", "posterior"] = setting(
        "drop", "what becomes of an item whose judgements tie"
    )
    priority: tuple[str, ...] = setting((), 'labels, the one that wins a tie first; for ties = "priority"')
    scale: Literal["nominal", "ordinal", "interval"] = setting(
        "nominal", "what labels are to Krippendorff's alpha: names, ranks (see label_order) or numbers"
    )
    label_order: tuple[str, ...] = setting(
        (),
        'labels from the lowest to the highest; for scale = "ordinal", and for scores in which a far miss counts more',
    )
    validation_size: float = setting(0.2, "share of the rows that chooses the checkpoint", above=0, most=0.8)
    test_size: float = setting(0.2, "share of the rows that is looked at once, at the end", above=0, most=0.8)
    rare_labels: Literal["train", "drop", "refuse"] = setting(
        "train", "what becomes of labels with too few different texts for every split"
    )
    near_duplicates: float = setting(
        0.7, "Jaccard similarity from which two texts are near-duplicates", least=0.5, most=1
    )
    max_contaminated: float = setting(
        0.01, "share of test texts that may stand in training or validation, too", least=0, most=1
    )
    allow_contaminated: bool = setting(False, "go on with contaminated test texts; every score then says so")
    on_bad_row: Literal["error", "quarantine"] = setting(
        "error", "what becomes of a row that cannot be read: stop, or set it aside in a file"
    )
    encoding: str | None = setting(None, "encoding of text files; without one, what the file shows")
    delimiter: str | None = setting(None, "delimiter of CSV files; without one, what the header shows")
    longest_cell: int = setting(10_000_000, "characters a cell may have", least=1)


@dataclass(frozen=True)
class ModelSettings:
    """Which base model, and how much of a text it reads."""

    model: str = setting("minilm", "a name of `classifine models`, a local folder, or owner/name[@revision] on a hub")
    max_length: int | None = setting(None, "tokens read at once; without one, 512 or the model's maximum", least=4)
    long_texts: Literal["head", "head+tail", "windows", "auto"] = setting(
        "head",
        "what is read of a longer text: its beginning; beginning and end; all, in windows; auto: the best of these on "
        "the validation texts, where over a tenth of the training texts are longer",
    )
    stride: int | None = setting(
        None, "tokens that a window shares with the next one; without one, a quarter of a window", least=0
    )
    max_windows: int = setting(8, "windows read of a text, at most", least=1)


@dataclass(frozen=True)
class TrainingSettings:
    """How the classifier is fine-tuned; the names are those of Hugging Face's TrainingArguments."""

    learning_rate: float | None = setting(None, "peak learning rate; without one, the base model's default", above=0)
    num_train_epochs: float | None = setting(
        None, "passes over the training rows; without one, chosen by their number", above=0
    )
    max_steps: int | None = setting(None, "updates in all, instead of num_train_epochs", least=1)
    per_device_train_batch_size: int = setting(32, "texts in a training batch", least=1)
    per_device_eval_batch_size: int = setting(64, "texts in an evaluation batch", least=1)
    gradient_accumulation_steps: int = setting(1, "batches summed up before an update", least=1)
    train_sampling_strategy: Literal["group_by_length", "random"] = setting(
        "group_by_length", "which texts share a batch: those of similar length, or any"
    )
    sampling: Literal["shuffled", "balanced"] = setting(
        "shuffled", "how often a text comes in an epoch: once, or as often as makes labels equally frequent"
    )
    weight_decay: float = setting(0.01, "decay of the weights in AdamW", least=0)
    warmup_steps: float = setting(0.1, "steps until the peak; below 1, a share of all steps", least=0)
    lr_scheduler_type: str = setting("linear", "how the learning rate falls")
    optim: str = setting("adamw_torch_fused", "the optimizer")
    max_grad_norm: float = setting(1.0, "gradients longer than this are shortened", least=0)
    label_smoothing_factor: float = setting(0.0, "share of the truth spread over all labels", least=0, most=0.5)
    loss: Literal["cross_entropy", "focal"] = setting(
        "cross_entropy", "what training makes small; focal: labels the model already gives count less"
    )
    focal_gamma: float = setting(2.0, 'how much less; for loss = "focal"', above=0)
    class_weights: str | dict[str, float] = setting(
        "none", 'weight of each label in the loss: "none", "balanced", "sqrt" (of balanced), or a table label = weight'
    )
    class_weight_cap: float | None = setting(
        None, "the most a label may weigh under balanced and sqrt; without one, no limit", least=1
    )
    logit_adjustment: float = setting(
        0.0, "how far rare labels are favoured: this times the log of each label's share; 0: not, 1: wholly", least=0
    )
    dropout: float | None = setting(
        None, "dropout while training; without one, the base model's default", least=0, most=0.9
    )
    metric_for_best_model: str = setting(
        "macro_f1", "validation metric that chooses the checkpoint; of equal ones, the smaller loss"
    )
    evaluations_per_epoch: int | None = setting(
        None, "how often an epoch is evaluated; without one, 3 times under 2,000 rows, else once", least=1
    )
    early_stopping_patience: int | None = setting(
        None, "evaluations without a better metric before stopping, 0: never; without one, those of 3 epochs", least=0
    )
    fitted_head: bool | None = setting(
        None,
        "fit the head's last layer to what the base model makes of the texts before all of it is trained; without one, "
        "minilm's is from ten labels on",
    )
    layerwise_lr_decay: float = setting(
        1.0, "the learning rate of a layer, as a share of that of the layer above it", above=0, most=1
    )
    freeze_embeddings: bool = setting(False, "leave the embeddings as the base model has them")
    freeze_layers: int = setting(0, "leave so many of the lowest layers, and the embeddings, as they are", least=0)
    reinit_layers: int = setting(0, "begin so many of the highest layers anew", least=0)
    lora_r: int | None = setting(
        None, "rank of LoRA's adapters; without one, all weights are trained; needs the package peft", least=1
    )
    lora_alpha: int | None = setting(None, "how much LoRA's adapters count; without one, as lora_r", least=1)
    lora_dropout: float = setting(0.0, "dropout before LoRA's adapters", least=0, most=0.9)
    bf16: bool | Literal["auto"] = setting("auto", "compute in bfloat16 (weights stay float32); auto: where it is fast")
    fp16: bool = setting(False, "compute in float16 on a GPU (weights stay float32)")
    unpadded: bool = setting(
        True, "compute on real tokens only, where the model's family allows it: same result, faster"
    )
    use_cpu: bool = setting(False, "compute on the processor also where there is a GPU")
    threads: int | None = setting(
        None, "threads that the processor computes with; without one, as many as there are cores for", least=1
    )
    time_budget: str | None = setting(
        None, "time that fine-tuning may take, such as 90s, 10m or 1h: as many epochs are done as fit"
    )
    retrain_on_all: bool = setting(
        False, "when the best epoch is known, train once more on training and validation texts for as many updates"
    )
    retrain_folds: int | None = setting(
        None,
        "with retrain_on_all, in how many folds texts are held out of further trainings, so that calibration, "
        "thresholds and sets of labels are fitted on texts that are new to a training; 0: they stay as the validation "
        "texts had them; without a number: 5 at the end of a search, else 0",
        least=0,
        most=20,
    )
    seeds: int = setting(
        1, "with how many seeds to train, from seed on; the median classifier on the validation texts is kept", least=1
    )
    folds: int | None = setting(
        None,
        "into how many folds to divide training and validation texts, to say how good such trainings are; without one, "
        "none; the run's classifier is the ordinary one",
        least=2,
    )
    repeats: int = setting(1, "how often to divide into folds", least=1)
    calibration: Literal["auto", "temperature", "vector", "none"] = setting(
        "auto",
        "what makes probabilities mean what they say, fitted on the validation texts: a temperature; a temperature and "
        "a bias of each label; nothing; auto: vector where labels are weighted, adjusted for or sampled, else "
        "temperature",
    )
    frozen_baseline: bool = setting(
        True, "also fit logistic regression on the base model as it is, to see what fine-tuning has to beat"
    )
    setfit_baseline: bool = setting(
        False,
        "also fit SetFit, for few texts a label: the base model, tuned on pairs of texts; needs the package setfit",
    )
    training_dynamics: bool = setting(
        False, "note after each epoch how each training text is learnt, to tell hard texts and wrong labels"
    )
    decision: Literal["argmax", "f1", "macro_f1", "balanced_accuracy", "mcc"] = setting(
        "argmax",
        "how probabilities become the one label of a text: the most probable one wins; or the rule with which this "
        "metric is highest on the validation texts: the threshold of one of two labels, or rare labels favoured",
    )
    arguments: dict[str, Any] = setting({}, "any further argument of Hugging Face's TrainingArguments")


@dataclass(frozen=True)
class EvaluationSettings:
    """What is asked of the probabilities when a classifier is evaluated."""

    target_accuracy: float = setting(
        0.95,
        "how often the texts that are labelled should be right, where unsure ones are left to people",
        above=0,
        most=1,
    )
    set_error: float = setting(0.1, "how often a set of labels may miss the true one", least=0.001, most=0.5)
    explained: int = setting(
        8, "test texts explained in the report, mistakes and right ones; fewer where that takes long; 0: none", least=0
    )
    neighbours: int = setting(3, "training texts told beside each mistake, the nearest ones; 0: none", least=0, most=20)
    show_texts: Literal["masked", "full", "none"] = setting(
        "masked",
        "texts on the report page: with stand-ins for links, mail addresses, handles and telephone numbers; as they "
        "are; none",
    )


@dataclass(frozen=True)
class TuneSettings:
    """How `classifine tune` searches for training settings, on training and validation texts only."""

    trials: int = setting(20, "trainings with other settings, the default ones among them", least=1)
    search_time: str | None = setting(
        None, "time a search may take, such as 30m or 4h: no trial begins that would not fit any more"
    )
    sampler: Literal["tpe", "gp", "random", "grid"] = setting(
        "tpe", "how the next settings are chosen: tpe, gp (numbers, up to 50 trials), at random, or all of a grid"
    )
    pruner: Literal["auto", "median", "wilcoxon", "none"] = setting(
        "auto",
        "which trials end early: those below the median of the others at the same evaluation, those that are "
        "worse fold by fold, none; auto: median, and wilcoxon where there are folds",
    )
    rated_by: Literal["auto", "validation", "folds", "seeds"] = setting(
        "auto",
        "what a trial is rated by: its best evaluation on the validation texts, or the mean over folds of "
        "training and validation texts, or over seeds; auto: folds under 2,000 training texts, else validation",
    )
    rated_times: int = setting(5, "how many folds or seeds a trial is rated by", least=2, most=20)
    stop_in_noise: bool = setting(
        True, "end the search when a third of the trials brought no more than chance among the validation texts"
    )
    finish: Literal["keep", "retrain", "retrain-all"] = setting(
        "keep",
        "the run's classifier: the best trial's own, the median of several seeds with its settings, or that "
        "and once more on training and validation texts",
    )
    finish_seeds: int = setting(3, "how many seeds the winner is trained with to finish, where it is", least=1, most=20)
    storage: str | None = setting(
        None, "database of a search that several processes share, as SQLAlchemy writes it; without one, trials.db"
    )
    space: dict[str, Any] = setting(
        {}, "what is searched beside the family's own: name = [values], {low, high, log} or false; see the how-to"
    )
