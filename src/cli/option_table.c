// SPDX-License-Identifier: MIT
#include "cli/tables.h"

#include "vkgrid/grid/grid.h"

#include <stddef.h>

#define RUNS (COMMAND_SEARCH | COMMAND_TRAIN)
#define TRAINS (RUNS | COMMAND_WORKER)
#define COMPUTES (TRAINS | COMMAND_APPLY | COMMAND_EVALUATE)
#define PREDICTS (COMMAND_APPLY | COMMAND_EVALUATE | COMMAND_LABEL)
#define SUBJECTS (COMMAND_FLATTEN | COMMAND_LABEL)

const struct option_info option_table[OPTION_COUNT] = {
    [OPTION_DATA] =
        {"data", 'd', TYPE_TEXT, "DIR", NULL,
         "data set: one folder per feature or label; apply: also a folder of images, or an image",
         COMPUTES | COMMAND_REPORT | COMMAND_INIT},
    [OPTION_OUT] =
        {"out", 'o', TYPE_TEXT, "DIR", NULL,
         "folder to write to; evaluate: a file (.tsv); init: a file (default: grid.json)",
         COMPUTES | COMMAND_MERGE | SUBJECTS | COMMAND_INIT},
    [OPTION_DEVICE] =
        {"device", 0, TYPE_TEXT, "auto|cpu|INDEX|NAME", "auto",
         "what to compute on, see vkgrid devices; search, worker: also all, or a list with commas",
         COMPUTES | COMMAND_BENCH | COMMAND_REPORT | COMMAND_LABEL},
    [OPTION_THREADS] = {"threads", 0, TYPE_NUMBER, "N", NULL,
                        "threads of the CPU engine; flatten, label: subjects at once (default: "
                        "OMP_NUM_THREADS, else as many as processors may be used)",
                        COMPUTES | COMMAND_BENCH | COMMAND_REPORT | SUBJECTS, 1, 1024},
    [OPTION_MATRIX] =
        {"matrix", 0, TYPE_CHOICE, "auto|on|off", "auto",
         "a GPU's matrix units in mixed precision: where they are known to be of use, "
         "wherever there are some, never",
         COMPUTES | COMMAND_LABEL | COMMAND_BENCH | COMMAND_REPORT | COMMAND_DEVICES},
    [OPTION_SEED] = {"seed", 0, TYPE_NUMBER, "N", NULL,
                     "seed of all random numbers, in place of the file's; init: of the split",
                     TRAINS | COMMAND_SAMPLE | COMMAND_INIT, 0, 0x1p53},
    [OPTION_PRECISION] =
        {"precision", 0, TYPE_CHOICE, "auto|fp32|mixed", NULL,
         "mixed: 16-bit activations and products where the device has them; auto is fp32",
         COMPUTES | COMMAND_LABEL | COMMAND_BENCH},
    [OPTION_PRETRAINED] = {"pretrained", 0, TYPE_TEXT, "FILE", NULL,
                           "torchvision ResNet weights that \"pretrained\": true stands for; "
                           "train: whatever stands there; of both base models: "
                           "resnet18=FILE,resnet34=FILE",
                           TRAINS},
    [OPTION_CELLS] = {"cells", 0, TYPE_TEXT, "A:B:STRIDE", NULL,
                      "only cells A, A + STRIDE, ... below B; N: only cell N", COMMAND_SEARCH},
    [OPTION_PACK] = {"pack", 0, TYPE_NUMBER, "N", NULL,
                     "most runs that are trained at once (default: what is of use)",
                     TRAINS | COMMAND_BENCH, 1, 4096},
    [OPTION_KEEP] = {"keep", 0, TYPE_CHOICE, "none|best|all", "best",
                     "weights to keep: none, the best cell's of each task so far, every cell's",
                     COMMAND_SEARCH | COMMAND_WORKER},
    [OPTION_FORMAT] = {"format", 0, TYPE_CHOICE, "safetensors|pt", "safetensors",
                       "pt: write the best weights of each task for PyTorch too, as the folders "
                       "that unet() of visual_autolabel reads",
                       RUNS},
    [OPTION_SHARD] = {"shard", 0, TYPE_TEXT, "K/N", NULL,
                      "only the K-th of N parts, K from 0, each in a folder of its own "
                      "(vkgrid merge joins them); default: what a job array says, else all",
                      COMMAND_SEARCH},
    [OPTION_SAMPLER] =
        {"sampler", 0, TYPE_CHOICE, "grid|random", "grid",
         "every combination of the grid's lists, or random cells of lists and ranges",
         COMMAND_SEARCH},
    [OPTION_TRIALS] = {"trials", 0, TYPE_NUMBER, "N", NULL, "how many random cells", COMMAND_SEARCH,
                       1, GRID_CELLS},
    [OPTION_FROM] = {"from", 0, TYPE_TEXT, "STUDY", NULL,
                     "take over the finished cells of another study that have the same options and "
                     "data, with the same bits",
                     COMMAND_SEARCH},
    [OPTION_FROM_OPTUNA] = {"from-optuna", 0, TYPE_FLAG, NULL, NULL,
                            "train the trials that Optuna has put in the queue of study.db",
                            COMMAND_SEARCH},
    [OPTION_PRUNE] = {"prune", 0, TYPE_CHOICE, "none|median|asha", "none",
                      "stop cells early that do worse than the others", COMMAND_SEARCH},
    [OPTION_UNPRUNE] = {"unprune", 0, TYPE_FLAG, NULL, NULL,
                        "go on with cells that were stopped early", COMMAND_SEARCH},
    [OPTION_RETRY_FAILED] = {"retry-failed", 0, TYPE_FLAG, NULL, NULL,
                             "try cells again that failed, as new trials", RUNS},
    [OPTION_CHECKPOINT] =
        {"checkpoint", 0, TYPE_CHOICE, "auto|always", "auto",
         "always: after every epoch; auto: unless that takes more than a twentieth of the time",
         TRAINS},
    [OPTION_DRY_RUN] = {"dry-run", 'n', TYPE_FLAG, NULL, NULL,
                        "only say what would be done: cells, packs, memory, work; with its data "
                        "also check that, and tell minutes",
                        COMMAND_SEARCH},
    [OPTION_RANK_BY] =
        {"rank-by", 0, TYPE_CHOICE, "best|mean", NULL,
         "rank cells by their best run or by the mean of their runs (default: the study's own; the "
         "mean where until or folds give several, but the best for the published grid)",
         COMMAND_SEARCH | COMMAND_WORKER},
    [OPTION_RANK] = {"rank", 0, TYPE_NUMBER, "N", "1", "which set of a hyperparameters file",
                     COMMAND_TRAIN, 1, 1e6},
    [OPTION_SET] = {"set", 0, TYPE_LIST, "KEY=VALUE", NULL,
                    "a key of the options, as often as wanted: JSON or a word; null: as if the "
                    "options did not have it; init: of the grid's static part",
                    COMMAND_TRAIN | COMMAND_INIT},
    [OPTION_INIT] = {"init", 0, TYPE_TEXT, "FILE", NULL,
                     "weights to start from (.safetensors, or a state_dict of PyTorch)",
                     COMMAND_TRAIN},
    [OPTION_NO_SHUFFLE] = {"no-shuffle", 0, TYPE_FLAG, NULL, NULL,
                           "samples in the order in which they are listed", COMMAND_TRAIN},
    [OPTION_LOG_STEPS] = {"log-steps", 0, TYPE_FLAG, NULL, NULL,
                          "also write the losses of every step (steps.tsv)", TRAINS},
    [OPTION_OVERWRITE] =
        {"overwrite", 0, TYPE_FLAG, NULL, NULL,
         "start anew where results already are; apply, evaluate, label, convert, init: replace files",
         RUNS | COMMAND_APPLY | COMMAND_EVALUATE | SUBJECTS | COMMAND_CONVERT | COMMAND_INIT},
    [OPTION_WEIGHTS] = {"weights", 'w', TYPE_TEXTS, "FILE", NULL,
                        "the network (.safetensors, or a state_dict of PyTorch); apply, evaluate: "
                        "of several the mean of their probabilities",
                        PREDICTS},
    [OPTION_OPTIONS] = {"options", 0, TYPE_TEXT, "FILE", NULL,
                        "options.json of the cell that the weights belong to",
                        PREDICTS | COMMAND_CONVERT},
    [OPTION_BASE_MODEL] = {"base-model", 0, TYPE_CHOICE, "resnet18|resnet34", NULL,
                           "encoder of the network", PREDICTS | COMMAND_BENCH},
    [OPTION_INPUTS] = {"inputs", 0, TYPE_TEXT, "SET", NULL,
                       "feature set, or features separated by commas", COMMAND_TRAIN | PREDICTS},
    [OPTION_PREDICTION] = {"prediction", 0, TYPE_TEXT, "SET", NULL,
                           "label set, or labels separated by commas", COMMAND_TRAIN | PREDICTS},
    [OPTION_SIZE] = {"size", 0, TYPE_SIZE, "ROWSxCOLS", NULL,
                     "size of the images; apply: of the predictions (default: that of the sample's "
                     "own files); flatten, label: of the flat maps (default: 512x1024; label: what "
                     "the weights say); init: of the grid (default: by that of the files)",
                     COMMAND_INIT | COMMAND_APPLY | COMMAND_SAMPLE | COMMAND_BENCH | SUBJECTS},
    [OPTION_NETWORK_SIZE] = {"network-size", 0, TYPE_SIZE, "ROWSxCOLS", NULL,
                             "size at which the network computes, multiples of 32 (default: what "
                             "the weights say)",
                             PREDICTS},
    [OPTION_BATCH_SIZE] = {"batch-size", 0, TYPE_NUMBER, "N", "4",
                           "images that are computed at once", PREDICTS | COMMAND_BENCH, 1, 1024},
    [OPTION_SAMPLES] =
        {"samples", 0, TYPE_TEXT, "A,B,...", NULL,
         "samples to predict (default: all that the first feature has; evaluate: that the "
         "first label has)",
         COMMAND_APPLY | COMMAND_EVALUATE},
    [OPTION_SPLIT] = {"split", 0, TYPE_CHOICE, "training|validation|test|folds|all", NULL,
                      "samples of one list of the partition that the weights were trained with, or "
                      "folds: each network predicts those that it was validated with (evaluate: by "
                      "default test where there is one, else all)",
                      COMMAND_EVALUATE | COMMAND_APPLY},
    [OPTION_FLIPS] = {"flips", 0, TYPE_CHOICE, "horizontal|vertical|both", NULL,
                      "test-time augmentation: the mean of the predictions for an image and for "
                      "its mirror images, of which both makes three",
                      COMMAND_APPLY | COMMAND_EVALUATE},
    [OPTION_OVERLAY] = {"overlay", 0, TYPE_FLAG, NULL, NULL,
                        "also <sample>_overlay.png: the image with the outlines of the labels",
                        COMMAND_APPLY},
    [OPTION_SUBJECTS] = {"subjects", 0, TYPE_NUMBER, "N", "8", "number of subjects", COMMAND_SAMPLE,
                         1, 999},
    [OPTION_LABELS] = {"labels", 0, TYPE_TEXT, "A,B,...", NULL,
                       "folders that hold labels (default: those of masks and maps of classes)",
                       COMMAND_INIT},
    [OPTION_CLASSES] = {"classes", 0, TYPE_TEXT, "NAME=NUMBER,...", NULL,
                        "labels of a map of classes (default: all its values but 0)", COMMAND_INIT},
    [OPTION_VALIDATION] = {"validation", 0, TYPE_REAL, "R", NULL,
                           "share of the subjects that validate, drawn by the seed (default: 0.2)",
                           COMMAND_INIT, 0.001, 0.999},
    [OPTION_TEST] = {"test", 0, TYPE_REAL, "R", NULL,
                     "share of the subjects that is kept for a test, drawn by the seed",
                     COMMAND_INIT, 0.001, 0.999},
    [OPTION_FOLDS] = {"folds", 0, TYPE_NUMBER, "K", NULL,
                      "cross-validation: each of K parts of the subjects validates once",
                      COMMAND_INIT, 2, 1000},
    [OPTION_STEPS] = {"steps", 0, TYPE_FLAG, NULL, NULL,
                      "only whole steps, not every convolution by itself", COMMAND_BENCH},
    [OPTION_CURVE] = {"curve", 0, TYPE_FLAG, NULL, NULL,
                      "also training steps with 1, 2, 4, ... slots, while they fit and gain",
                      COMMAND_BENCH},
    [OPTION_BATCH_SIZES] = {"batch-sizes", 0, TYPE_TEXT, "A,B,...", NULL,
                            "the same for each of these batch sizes", COMMAND_BENCH},
    [OPTION_SECONDS] = {"seconds", 0, TYPE_REAL, "S", "0.5",
                        "that every measurement takes, but three runs at least; 0: one run",
                        COMMAND_BENCH, 0, 3600},
    [OPTION_TUNE] =
        {"tune", 0, TYPE_FLAG, NULL, NULL,
         "instead find the fastest tiles for this device, and keep them for every training on it",
         COMMAND_BENCH},
    [OPTION_LIMIT] = {"limit", 0, TYPE_NUMBER, "N", "120",
                      "with --tune: begin no convolution after so many seconds", COMMAND_BENCH, 0,
                      1e6},
    [OPTION_FSAVERAGE] = {"fsaverage", 0, TYPE_TEXT, "DIR", NULL,
                          "the subject fsaverage (default: $SUBJECTS_DIR/fsaverage, else "
                          "$FREESURFER_HOME/subjects/fsaverage)",
                          SUBJECTS},
    [OPTION_RADIUS] =
        {"radius", 0, TYPE_REAL, "R", NULL,
         "angular radius of the flat map, radians (default: pi/2.25 = 1.39626; label: what the weights say)",
         SUBJECTS, 0.01, 1.5707963267948966},
    [OPTION_LABEL] = {"label", 0, TYPE_LIST, "NAME=FILE:KEY", NULL,
                      "a label: the vertices that have KEY in FILE; may be given several times",
                      COMMAND_FLATTEN},
    [OPTION_FEATURE] =
        {"feature", 0, TYPE_LIST, "NAME=FILE", NULL,
         "where a feature is that has no file of its own, a number per vertex; may be given several times",
         SUBJECTS},
    [OPTION_FILE] = {"file", 0, TYPE_LIST, "KIND=FILE", NULL,
                     "where a subject's white, pial, sphere (registered to fsaverage), curv, sulc, "
                     "thickness or area is, where not as usual; may be given several times",
                     SUBJECTS},
    [OPTION_IN_PLACE] = {"in-place", 0, TYPE_FLAG, NULL, NULL,
                         "write into the subjects' own folders, in place of --out", COMMAND_LABEL},
    [OPTION_TAG] = {"tag", 0, TYPE_TEXT, "NAME", "vkgrid",
                    "what the files' names begin with: lh.NAME_varea.mgz", COMMAND_LABEL},
    [OPTION_PROBABILITIES] = {"probabilities", 0, TYPE_FLAG, NULL, NULL,
                              "also the probability of every label (lh.NAME_V1_probability.mgz)",
                              COMMAND_LABEL},
    [OPTION_GIFTI] = {"gifti", 0, TYPE_FLAG, NULL, NULL,
                      "also GIFTI files of the labels (lh.NAME_varea.label.gii)", COMMAND_LABEL},
    [OPTION_VOLUME] = {"volume", 0, TYPE_FLAG, NULL, NULL,
                       "also a volume: the grey matter of the ribbon (mri/NAME_varea.mgz)",
                       COMMAND_LABEL},
    [OPTION_JSON] = {"json", 0, TYPE_FLAG, NULL, NULL, "print the result as JSON",
                     COMMAND_SEARCH | COMMAND_TRAIN | COMMAND_DEVICES | COMMAND_STATUS |
                         COMMAND_MERGE | COMMAND_BENCH | COMMAND_LABEL | COMMAND_EVALUATE},
    [OPTION_WATCH] = {"watch", 0, TYPE_FLAG, NULL, NULL,
                      "look again every 2 seconds until nobody is at work there", COMMAND_STATUS},
    [OPTION_QUIET] = {"quiet", 'q', TYPE_FLAG, NULL, NULL, "no progress",
                      COMPUTES | COMMAND_SAMPLE | COMMAND_BENCH | COMMAND_REPORT | COMMAND_MERGE |
                          SUBJECTS | COMMAND_INIT},
    [OPTION_HELP] = {"help", 'h', TYPE_FLAG, NULL, NULL, "this text", ~0u},
};
