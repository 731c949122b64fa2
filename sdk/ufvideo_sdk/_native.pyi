"""
The native runtime: packages, models, sessions. Same names as the C++ headers.
"""
from __future__ import annotations
import collections.abc
import enum
import numpy
import numpy.typing
import os
import pathlib
import typing
__all__: list[str] = ['Aligner', 'CancellationToken', 'Capability', 'ChoiceTree', 'Clip', 'DecodedMasks', 'FRAMES_PER_ALIGNMENT', 'FeatureStore', 'Generation', 'GenerationConfig', 'GraphSignature', 'KvCache', 'LanguageModel', 'LanguageModelOutput', 'MAX_MANIFEST_BYTES', 'Manifest', 'MaskDecoder', 'MaskEncoder', 'MaskFeatures', 'MemoryAttention', 'MemoryEncoder', 'MemoryKind', 'MemoryUse', 'Model', 'OnnxRuntimeFacts', 'PACKAGE_FORMAT_VERSION', 'Package', 'PixelCache', 'Prompt', 'ProviderProblem', 'RegionEncoder', 'RegionPrompt', 'RuntimeConfig', 'SavedClip', 'Segmentation', 'Session', 'SpanFraction', 'StageProviders', 'StageTiming', 'StopReason', 'StreamAction', 'StreamFrame', 'StreamStatistics', 'StreamWindow', 'SymbolRange', 'TensorSpec', 'TokenAutomaton', 'TokenEmbedder', 'TokenState', 'TrackCandidates', 'TrackDecoder', 'TrackedFrame', 'Tracker', 'VideoStream', 'VisionEncoder', 'all_capabilities', 'available_memory_bytes', 'batches_frames_on_device', 'check_manifest_part', 'decode_masks', 'encode_mask', 'find_provider_problem', 'find_spans', 'frames_per_batch', 'graph_signatures', 'mask_extents', 'num_video_tokens', 'open_onnxruntime', 'open_stage', 'precisions', 'resize_bicubic', 'sample_positions', 'seg_hidden_states', 'sha256_file', 'symbol_ranges', 'version']
class RuntimeConfig:
    """
    How to run here.
    """
    def __init__(self, **kwargs: typing.Any) -> None:
        """
        One keyword argument for each property; what is left out keeps its default.
        
        Raises ConfigError naming the field, the value and what is allowed.
        """
    def options_of(self, stage: str, provider: str) -> dict[str, str]:
        """
        Options of one stage with one provider.
        """
    def providers_of(self, stage: str) -> list[str]:
        """
        Providers of one stage.
        """
    @property
    def allow_fallback(self) -> bool:
        ...
    @property
    def allow_spinning(self) -> bool:
        ...
    @property
    def cuda_graphs(self) -> bool:
        ...
    @property
    def device_id(self) -> int:
        ...
    @property
    def device_memory_limit_bytes(self) -> int | None:
        ...
    @property
    def kv_cache_bytes(self) -> int | None:
        ...
    @property
    def mask_cache_bytes(self) -> int:
        ...
    @property
    def memory_budget_bytes(self) -> int | None:
        ...
    @property
    def num_threads(self) -> int | None:
        ...
    @property
    def onnxruntime_library(self) -> pathlib.Path:
        ...
    @property
    def pixel_cache_bytes(self) -> int:
        ...
    @property
    def prefill_chunk_tokens(self) -> int:
        ...
    @property
    def provider_options(self) -> dict[str, dict[str, str]]:
        ...
    @property
    def providers(self) -> list[str]:
        ...
    @property
    def region_cache_bytes(self) -> int:
        ...
    @property
    def stage_provider_options(self) -> dict[str, dict[str, dict[str, str]]]:
        ...
    @property
    def stage_providers(self) -> dict[str, list[str]]:
        ...
    @property
    def verify_digests(self) -> bool:
        ...
class GenerationConfig:
    """
    How to answer.
    """
    def __init__(self, **kwargs: typing.Any) -> None:
        """
        One keyword argument for each property; what is left out keeps its default.
        
        Raises ConfigError naming the field, the value and what is allowed.
        """
    @property
    def max_new_tokens(self) -> int:
        ...
    @property
    def min_new_tokens(self) -> int:
        ...
    @property
    def repetition_penalty(self) -> float:
        ...
    @property
    def seed(self) -> int | None:
        ...
    @property
    def temperature(self) -> float:
        ...
    @property
    def top_k(self) -> int | None:
        ...
    @property
    def top_p(self) -> float | None:
        ...
class OnnxRuntimeFacts:
    """
    What an ONNX Runtime library offers.
    """
    @property
    def library(self) -> pathlib.Path:
        ...
    @property
    def providers(self) -> list[str]:
        ...
    @property
    def version(self) -> str:
        ...
class ProviderProblem:
    """
    Why an execution provider cannot start, and what mends it.
    """
    @property
    def mend(self) -> str:
        ...
    @property
    def what(self) -> str:
        ...
class Capability:
    """
    What a package can do, and its stages for that.
    """
    @property
    def name(self) -> str:
        ...
    @property
    def needs(self) -> str:
        """
        The one it builds on; empty: none.
        """
    @property
    def stages(self) -> list[str]:
        ...
class Manifest:
    """
    A manifest that passed every check.
    """
    def __init__(self, text: bytes, source: bytes = b'') -> None:
        """
        Parse and check the text of manifest.json; `source` names it in messages. In UTF-8.
        
        Raises PackageError or PackageVersionError.
        """
    @property
    def capabilities(self) -> list[str]:
        ...
    @property
    def format_version(self) -> int:
        ...
class TensorSpec:
    """
    One graph input or output.
    """
    @property
    def dtype(self) -> str:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def shape(self) -> list[int | str]:
        """
        Sizes, and symbols for those that vary.
        """
class GraphSignature:
    """
    Inputs and outputs of a graph, in order.
    """
    @property
    def inputs(self) -> list[TensorSpec]:
        ...
    @property
    def outputs(self) -> list[TensorSpec]:
        ...
class Package:
    """
    A package folder that passed every check.
    """
    @staticmethod
    def open(root: os.PathLike[str] | str | bytes, verify_digests: bool) -> Package:
        """
        Open and check a package.
        
        Raises PackageError or PackageVersionError.
        """
    @property
    def root(self) -> pathlib.Path:
        ...
class SymbolRange:
    """
    Sizes a symbol of a stage's inputs takes.
    """
    @property
    def max(self) -> int:
        ...
    @property
    def min(self) -> int:
        ...
    @property
    def symbol(self) -> str:
        ...
    @property
    def typical(self) -> int:
        ...
class StageTiming:
    """
    Calls, items and wall time of one stage.
    """
    @property
    def num_calls(self) -> int:
        ...
    @property
    def num_items(self) -> int:
        ...
    @property
    def total_ms(self) -> float:
        ...
class MemoryKind(enum.Enum):
    """
    What sessions hold memory for.
    """
    CLIP_FEATURES = 1
    KV_CACHE = 0
    MASK_FEATURES = 3
    PIXELS = 4
    REGION_FEATURES = 2
    TRACK_MEMORY = 5
class MemoryUse:
    """
    Bytes that all sessions of a model hold together.
    """
    def held(self, kind: MemoryKind) -> int:
        """
        Bytes of one kind.
        """
    def peak(self, kind: MemoryKind) -> int:
        """
        The most of one kind since the model was loaded.
        """
    @property
    def budget_bytes(self) -> int | None:
        ...
    @property
    def peak_bytes(self) -> int:
        ...
    @property
    def total_bytes(self) -> int:
        ...
class CancellationToken:
    """
    A request to end calls early, before or while they run.
    
    Give it to a call as cancel=; any thread may cancel it. It stays cancelled: every call that gets it from then on ends at once.
    """
    def __init__(self) -> None:
        ...
    def cancel(self) -> None:
        """
        End the calls that have this token or a child of it. Returns at once.
        """
    def child(self) -> CancellationToken:
        """
        A token that is cancelled with this one, and that can be cancelled without it.
        """
    @property
    def is_cancelled(self) -> bool:
        ...
class StopReason(enum.Enum):
    """
    Why an answer ended.
    """
    CANCELLED = 4
    CONTEXT_FULL = 2
    END_TOKEN = 0
    MAX_NEW_TOKENS = 1
    STOPPED = 3
class StreamAction(enum.Enum):
    """
    What a token callback answers: go on; end the answer as stopped, with its masks; end it as cancelled, without. Its text stays.
    """
    CANCEL = 2
    CONTINUE = 0
    STOP = 1
class SpanFraction:
    """
    A time span as fractions of the clip, 0 to 1.
    """
    @property
    def end(self) -> float:
        ...
    @property
    def start(self) -> float:
        ...
class Generation:
    """
    One answer in token ids.
    """
    @property
    def choice(self) -> int | None:
        """
        The likeliest of the prompt's choices.
        """
    @property
    def choice_log_probabilities(self) -> list[float]:
        """
        Log-probability of each choice; empty where there were none.
        """
    @property
    def decode_ms(self) -> float:
        ...
    @property
    def num_prefill_tokens(self) -> int:
        ...
    @property
    def num_reused_tokens(self) -> int:
        ...
    @property
    def seg_hidden_states(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        float32 [O, D], one row for each of seg_positions.
        """
    @property
    def seg_positions(self) -> list[int]:
        ...
    @property
    def spans(self) -> list[SpanFraction]:
        ...
    @property
    def stop_reason(self) -> StopReason:
        ...
    @property
    def time_to_first_token_ms(self) -> float:
        ...
    @property
    def timings(self) -> dict[str, StageTiming]:
        ...
    @property
    def token_ids(self) -> list[int]:
        ...
    @property
    def token_ms(self) -> list[float]:
        """
        Time inside the step that made each of token_ids; empty where none was made.
        """
class Segmentation:
    """
    Masks of O objects on F frames.
    """
    @property
    def cancelled(self) -> bool:
        """
        It was cancelled: F is the number of frames decoded before.
        """
    @property
    def runs(self) -> list[list[str]]:
        """
        COCO run-length code of each mask, [O][F], at the frames' own size.
        """
    @property
    def scores(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        Predicted IoU, float32 [O, F].
        """
    @property
    def timings(self) -> dict[str, StageTiming]:
        ...
class TokenState:
    """
    A place within an answer.
    """
    def __init__(self, edges: collections.abc.Sequence[tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]], *, is_end: bool = False) -> None:
        """
        edges: (first id, last id, next state) each; is_end: the answer may end here.
        """
    @property
    def is_end(self) -> bool:
        ...
class TokenAutomaton:
    """
    Which answers are allowed.
    """
    def __init__(self, states: collections.abc.Sequence[TokenState], *, vocab_size: typing.SupportsInt | typing.SupportsIndex, end_ids: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> None:
        """
        An answer begins in state 0.
        
        Raises InputError when an id is outside the vocabulary or an end token, ranges of a state overlap, an edge leads to no state, or a state reaches no end.
        """
    @property
    def longest(self) -> int | None:
        """
        Tokens of the longest answer without the end token; None: no bound.
        """
class ChoiceTree:
    """
    Texts of which an answer is one, by the tokens of their spellings.
    """
    def __init__(self, spellings: collections.abc.Sequence[tuple[typing.SupportsInt | typing.SupportsIndex, collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]]], *, vocab_size: typing.SupportsInt | typing.SupportsIndex, end_ids: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> None:
        """
        spellings: (choice, token ids) each; a choice may have several.
        
        Raises InputError when a spelling is empty or comes twice, an id is outside the vocabulary or an end token, or a choice has no spelling.
        """
    @property
    def longest(self) -> int:
        """
        Tokens within which every choice can be written.
        """
class VisionEncoder:
    """
    SigLIP up to its penultimate layer.
    """
    def encode(self, frames: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        Frames uint8 [T, S, S, 3] to features float32 [T, P, Dv].
        """
    @property
    def stem(self) -> str:
        ...
class Aligner:
    """
    The STC connector.
    """
    def align(self, features: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        Features float32 [T, P, Dv] to video tokens float32 [N, D].
        """
    @property
    def stem(self) -> str:
        ...
class RegionEncoder:
    """
    Marked objects to region tokens.
    """
    def encode(self, features: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], masks: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        Features float32 [F, P, Dv] and masks bool [F, H, W] to tokens float32 [R, D].
        """
    @property
    def stem(self) -> str:
        ...
class TokenEmbedder:
    """
    The embedding table.
    """
    def embed(self, token_ids: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        Token ids to embeddings float32 [S, D].
        """
    @property
    def stem(self) -> str:
        ...
class MaskFeatures:
    """
    SAM 2 features of some frames.
    """
    def frame(self, index: typing.SupportsInt | typing.SupportsIndex) -> MaskFeatures:
        """
        The features of one frame.
        """
    @property
    def high_res_features_0(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        ...
    @property
    def high_res_features_1(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        ...
    @property
    def image_features(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        ...
class MaskEncoder:
    """
    SAM 2 image encoder and neck.
    """
    def encode(self, frames: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> MaskFeatures:
        """
        Frames uint8 [F, S, S, 3] to features.
        """
    @property
    def stem(self) -> str:
        ...
class DecodedMasks:
    """
    Masks of O objects on one frame.
    """
    @property
    def iou_scores(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        ...
    @property
    def mask_logits(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        ...
    @property
    def object_pointers(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        ...
    @property
    def object_scores(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        ...
class MaskDecoder:
    """
    [SEG] projection and SAM 2 mask decoder.
    """
    def decode(self, features: MaskFeatures, hidden_states: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> DecodedMasks:
        """
        Features of one frame and states float32 [O, D] to masks.
        """
    @property
    def stem(self) -> str:
        ...
class MemoryEncoder:
    """
    SAM 2's memory encoder.
    """
    def encode(self, features: MaskFeatures, mask_logits: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        Features of one frame and mask logits float32 [O, 4h, 4w] to memories float32 [O, M, h, w].
        """
    @property
    def stem(self) -> str:
        ...
class MemoryAttention:
    """
    SAM 2's memory attention.
    """
    def condition(self, features: MaskFeatures, memory_features: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], memory_ages: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], object_pointers: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        Features of one frame with memories float32 [O, K, M, h, w], their ages int64 [O, K] and pointers float32 [O, Q, C] to conditioned features float32 [O, C, h, w].
        """
    @property
    def stem(self) -> str:
        ...
class TrackCandidates:
    """
    Three candidate masks of O objects on one frame.
    """
    @property
    def iou_scores(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        ...
    @property
    def mask_logits(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        ...
    @property
    def object_pointers(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        ...
    @property
    def object_scores(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        ...
class TrackDecoder:
    """
    SAM 2's mask decoder without a prompt.
    """
    def decode(self, features: MaskFeatures, conditioned_features: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> TrackCandidates:
        """
        Features of one frame and conditioned features float32 [O, C, h, w] to candidates.
        """
    @property
    def stem(self) -> str:
        ...
class KvCache:
    """
    Keys and values of one sequence, updated in place.
    """
    def rewind(self, length: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Forget all positions from length on. Raises StateError while another thread runs it.
        """
    @property
    def capacity(self) -> int:
        ...
    @property
    def length(self) -> int:
        ...
    @property
    def num_bytes(self) -> int:
        ...
class LanguageModelOutput:
    """
    What one run gives.
    """
    @property
    def hidden_states(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        float32 [S, D], after the final norm.
        """
    @property
    def logits(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        float32 [V], of the last position.
        """
class LanguageModel:
    """
    The decoder.
    """
    def make_cache(self) -> KvCache:
        """
        A new, empty cache for one sequence.
        """
    def run(self, embeddings: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], cache: KvCache) -> LanguageModelOutput:
        """
        Run S new positions, embeddings float32 [S, D], after those the cache holds.
        
        Raises InputError for another model's cache, StateError when another thread has it.
        """
    @property
    def max_positions(self) -> int:
        ...
    @property
    def stem(self) -> str:
        ...
class StageProviders:
    """
    The execution providers of one stage.
    """
    @property
    def left_out(self) -> dict[str, str]:
        ...
    @property
    def num_nodes(self) -> dict[str, int]:
        ...
    @property
    def used(self) -> list[str]:
        ...
class Model:
    """
    The weights, shared by sessions.
    """
    @staticmethod
    def load(package: os.PathLike[str] | str | bytes, config: RuntimeConfig) -> Model:
        """
        Open a package and every stage.
        
        Raises PackageError, PackageVersionError, ConfigError, DeviceError or CapacityError.
        """
    def load_timings(self) -> dict[str, StageTiming]:
        """
        How long load() took: by stem to open its graph, under 'package' to check the files.
        """
    def memory_use(self) -> MemoryUse:
        """
        From any thread: what all its sessions hold together.
        """
    @property
    def aligner(self) -> Aligner:
        ...
    @property
    def language_model(self) -> LanguageModel:
        ...
    @property
    def mask_decoder(self) -> MaskDecoder:
        ...
    @property
    def mask_encoder(self) -> MaskEncoder:
        ...
    @property
    def memory_attention(self) -> MemoryAttention:
        ...
    @property
    def memory_encoder(self) -> MemoryEncoder:
        ...
    @property
    def region_encoder(self) -> RegionEncoder:
        ...
    @property
    def stage_providers(self) -> dict[str, StageProviders]:
        """
        What each stage runs on, by stem.
        """
    @property
    def token_embedder(self) -> TokenEmbedder:
        ...
    @property
    def track_decoder(self) -> TrackDecoder:
        ...
    @property
    def vision_encoder(self) -> VisionEncoder:
        ...
class FeatureStore:
    """
    Features of the frames of one source, shared by the sessions that are given it.
    """
    def __init__(self, model: Model) -> None:
        ...
    def clear(self) -> None:
        """
        Drop everything: the indices are those of another source from now on.
        """
    def holds_mask(self, frame_idx: typing.SupportsInt | typing.SupportsIndex) -> bool:
        """
        Whether SAM 2 features of a frame are kept.
        """
    @property
    def mask_bytes(self) -> int:
        ...
    @property
    def vision_bytes(self) -> int:
        ...
class PixelCache:
    """
    Pixels kept of frames of one clip.
    """
    def __init__(self, model: Model) -> None:
        ...
    def holds(self, frame_idx: typing.SupportsInt | typing.SupportsIndex) -> bool:
        """
        Whether a frame is kept.
        """
    def keep(self, frame_idx: typing.SupportsInt | typing.SupportsIndex, frame: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> None:
        """
        Copy a frame, uint8 [H, W, 3], if there is room for it.
        """
    def read(self, frame_idx: typing.SupportsInt | typing.SupportsIndex, frame: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> bool:
        """
        Write the frame to an array of its size, uint8 [H, W, 3]; False if it is not kept.
        """
    @property
    def num_bytes(self) -> int:
        ...
class SavedClip:
    """
    What a session has computed of its clip.
    """
    def __init__(self, *, is_image: bool, frame_idxs: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], height_px: typing.SupportsInt | typing.SupportsIndex, width_px: typing.SupportsInt | typing.SupportsIndex, features: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], video_tokens: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], prefix_ids: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], keys: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], values: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> None:
        """
        Features float32 [F, P, Dv], video tokens float32 [N, D]; keys and values [L, kv, n, head], float32 or float16 as the language model's cache.
        """
    @property
    def features(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        float32 [F, P, Dv], read-only.
        """
    @property
    def frame_idxs(self) -> list[int]:
        ...
    @property
    def height_px(self) -> int:
        ...
    @property
    def is_image(self) -> bool:
        ...
    @property
    def keys(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        [L, kv, n, head], read-only.
        """
    @property
    def prefix_ids(self) -> list[int]:
        ...
    @property
    def values(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        [L, kv, n, head], read-only.
        """
    @property
    def video_tokens(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        float32 [N, D], read-only.
        """
    @property
    def width_px(self) -> int:
        ...
class StreamFrame:
    """
    A frame that a stream has taken.
    """
    @property
    def change(self) -> float | None:
        """
        How much its vision features differ from the frame before, 0 to 1; or None.
        """
    @property
    def frame_idx(self) -> int:
        ...
    @property
    def pixels(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        RGB, uint8 [H, W, 3], read-only.
        """
    @property
    def time_s(self) -> float:
        ...
    @property
    def wall_s(self) -> float | None:
        ...
class StreamWindow:
    """
    Frames of a stream at one moment; it stays as it is.
    """
    def pixels(self, frame_idx: typing.SupportsInt | typing.SupportsIndex) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None:
        """
        RGB of a frame, uint8 [H, W, 3], read-only; None if they are not kept any more.
        """
    @property
    def frame_idxs(self) -> list[int]:
        """
        Of its frames, oldest first.
        """
    @property
    def frame_size(self) -> list[int]:
        ...
    @property
    def timestamps_s(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        Stream time of each, float64 [T].
        """
    @property
    def walls_s(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        Seconds since 1970 in UTC of each, float64 [T], NaN where unknown.
        """
class StreamStatistics:
    """
    What has become of the frames that were pushed.
    """
    @property
    def memory_bytes(self) -> int:
        ...
    @property
    def num_encoded(self) -> int:
        ...
    @property
    def num_failed(self) -> int:
        ...
    @property
    def num_late(self) -> int:
        ...
    @property
    def num_off_grid(self) -> int:
        ...
    @property
    def num_overflowed(self) -> int:
        ...
    @property
    def num_pushed(self) -> int:
        ...
    @property
    def num_taken(self) -> int:
        ...
    @property
    def num_waiting(self) -> int:
        ...
    @property
    def timings(self) -> dict[str, StageTiming]:
        ...
class VideoStream:
    """
    A live window: each frame is encoded once. Any thread.
    """
    def __init__(self, model: Model, *, fps: typing.SupportsFloat | typing.SupportsIndex = 1.0, num_frames: typing.SupportsInt | typing.SupportsIndex | None = None, num_prefixes: typing.SupportsInt | typing.SupportsIndex = 1, drop_pairs: typing.SupportsInt | typing.SupportsIndex | None = None, history_s: typing.SupportsFloat | typing.SupportsIndex = 0.0, is_bgr: bool = False) -> None:
        """
        Raises InputError naming the argument; PackageError when the aligner does not align a pair of frames by itself.
        """
    def encode_waiting(self, cancel: CancellationToken | None = None) -> None:
        """
        Encode the frames that wait; returns early when cancelled.
        """
    def frames_after(self, frame_idx: typing.SupportsInt | typing.SupportsIndex) -> list[StreamFrame]:
        """
        Encoded frames behind one whose pixels are kept, oldest first.
        """
    def past(self, begin_s: typing.SupportsFloat | typing.SupportsIndex, end_s: typing.SupportsFloat | typing.SupportsIndex) -> StreamWindow:
        """
        The pairs between two times, of the window and of the history.
        
        Raises InputError.
        """
    def push(self, frame: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], time_s: typing.SupportsFloat | typing.SupportsIndex, wall_s: typing.SupportsFloat | typing.SupportsIndex | None = None) -> None:
        """
        Take a copy of a frame, uint8 [H, W, 3], if it is on the grid, and encode what waits unless another thread does.
        """
    def statistics(self) -> StreamStatistics:
        """
        Without waiting for a thread that encodes.
        """
    def window(self) -> StreamWindow:
        """
        What is looked at now.
        """
    @property
    def feature_store(self) -> FeatureStore:
        """
        Features of the frames by frame_idx.
        """
class Clip:
    """
    Sampled frames of a clip, or one image.
    """
    def __init__(self, *, frames: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], frame_idxs: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], is_image: bool = False) -> None:
        """
        Frames uint8 [T, H, W, 3] and the caller's index of each.
        """
class RegionPrompt:
    """
    One marked object.
    """
    def __init__(self, *, frame_idxs: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], masks: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> None:
        """
        The caller's index of each frame and masks bool [F, H, W] at the clip's size.
        """
class Prompt:
    """
    A prompt in token ids, with placeholders.
    """
    def __init__(self, *, token_ids: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], regions: collections.abc.Sequence[RegionPrompt] = [], region_frames: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None = None, region_frame_idxs: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [], response_format: TokenAutomaton | None = None, choices: ChoiceTree | None = None) -> None:
        """
        region_frames uint8 [K, H, W, 3]: pixels of the regions' frames that missing_frames() names. response_format: what the answer may be; None: anything. choices: the answer is the likeliest of them; None: anything.
        """
    @property
    def token_ids(self) -> list[int]:
        ...
class Session:
    """
    The state of one conversation about one clip.
    """
    def __init__(self, model: Model, store: FeatureStore | None = None) -> None:
        """
        store: features shared with other sessions about the same source; None: with none.
        """
    def add_frames(self, frames: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], frame_idxs: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], *, cancel: CancellationToken | None = None, on_progress: typing.Any = None) -> None:
        """
        Encode some of the clip's frames, uint8 [F, H, W, 3].
        """
    def begin(self, prompt: Prompt, config: GenerationConfig, *, cancel: CancellationToken | None = None, on_progress: typing.Any = None) -> None:
        """
        Begin an answer; then step(), whose first call prefills, and finish().
        """
    def begin_clip(self, frame_idxs: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], is_image: bool = False) -> None:
        """
        Open a clip piece by piece: then add_frames() and end_clip().
        """
    def cancel(self) -> None:
        """
        From any thread: cancel the call or the answer under way, if there is one.
        """
    def drop_answer(self) -> None:
        """
        Drop an answer under way, if there is one, without a result.
        """
    def end_clip(self, *, cancel: CancellationToken | None = None) -> None:
        """
        Make the video tokens of the clip.
        """
    def finish(self) -> Generation:
        """
        End the answer and return it.
        """
    def generate(self, prompt: Prompt, config: GenerationConfig, callback: typing.Any = None, *, cancel: CancellationToken | None = None, on_progress: typing.Any = None) -> Generation:
        """
        Answer one prompt; callback(token_id) returns a StreamAction or None. on_progress counts the prompt's positions.
        
        An exception of the callback ends the answer and is raised unchanged.
        """
    def generate_many(self, prompts: collections.abc.Sequence[Prompt], config: GenerationConfig, callback: typing.Any = None, *, cancel: CancellationToken | None = None, on_progress: typing.Any = None) -> list[Generation]:
        """
        Answer several prompts as rows of one batch, in order, as generate() one by one. on_progress counts answers.
        
        callback(index, token_id) returns a StreamAction or None, which ends its own answer.
        """
    def look_at(self, window: StreamWindow) -> None:
        """
        Look at a window of the stream whose feature store the session shares.
        
        Raises StateError when it has fewer than two frames.
        """
    def memory_bytes(self) -> int:
        """
        From any thread: bytes of features, mask cache and KV cache.
        """
    def missing_frames(self, frame_idxs: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> list[int]:
        """
        Those of the frames whose features are not held, each once.
        """
    def open_clip(self, clip: Clip, *, cancel: CancellationToken | None = None, on_progress: typing.Any = None) -> None:
        """
        Encode the clip once; on_progress counts distinct frames.
        
        Raises InputError, StateError, InferenceError or CancelledError.
        """
    def reset(self) -> None:
        """
        Forget conversation, region frames and poison; the clip stays encoded.
        """
    def restore_clip(self, saved: SavedClip) -> None:
        """
        Open a clip with what was computed of it.
        
        Raises InputError when a size is not this model's, CapacityError when the prefix does not fit into the bound on the KV cache.
        """
    def save_clip(self, prefix_ids: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], *, cancel: CancellationToken | None = None, on_progress: typing.Any = None) -> SavedClip | None:
        """
        What was computed of the clip, the prefix included; None when it was cancelled.
        """
    def segment(self, seg_hidden_states: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], frames: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], frame_idxs: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], continues: bool = False, *, cancel: CancellationToken | None = None, on_progress: typing.Any = None) -> Segmentation:
        """
        Masks of states float32 [O, D] on frames uint8 [F, H, W, 3]; on_progress counts frames.
        
        continues: this goes on with the call before, a long clip given in pieces.
        """
    def step(self) -> int | None:
        """
        The next token id, None once the answer has ended.
        """
    def teacher_force(self, prompt: Prompt, answer_start: typing.SupportsInt | typing.SupportsIndex, *, cancel: CancellationToken | None = None, on_progress: typing.Any = None) -> Generation:
        """
        Prefill a prompt that holds its answer; collect the states behind [SEG].
        """
    def timings(self) -> dict[str, StageTiming]:
        """
        From any thread: timings of all stages since the session was made.
        """
    @property
    def feature_store(self) -> FeatureStore:
        """
        What it keeps of frames; a Tracker of the same source may share it.
        """
    @property
    def video_tokens(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        float32 [N, D] of the open clip, read-only.
        """
class TrackedFrame:
    """
    The O objects of a tracker on one frame.
    """
    @property
    def iou_scores(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        Predicted IoU of each mask, float32 [O].
        """
    @property
    def object_ids(self) -> list[int]:
        """
        In the order they were added, [O].
        """
    @property
    def object_scores(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        Object presence logit, above 0 if the object is there, float32 [O].
        """
    @property
    def runs(self) -> list[str]:
        """
        COCO run-length code of each mask, [O], at the frame's own size.
        """
    @property
    def timings(self) -> dict[str, StageTiming]:
        ...
    @property
    def was_prompted(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        Whether the object was prompted on this frame, bool [O].
        """
class Tracker:
    """
    Carries objects from frame to frame by SAM 2's memory.
    """
    def __init__(self, model: Model, store: FeatureStore | None = None, *, memory: str = 'sam2', num_memories: typing.SupportsInt | typing.SupportsIndex | None = None, max_prompted: typing.SupportsInt | typing.SupportsIndex = 4) -> None:
        """
        store: features of the frames' source, shared with sessions about it; None: its own.
        memory: 'sam2', or 'distractor': frames that tell the object from its like stay too.
        num_memories: most frames in an object's memory; None: the model's own number.
        max_prompted: most prompted frames remembered as such, those nearest in time.
        
        Raises PackageError if the package cannot track, ConfigError or InputError.
        """
    def add(self, seg_hidden_state: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> int:
        """
        Add an object, which the next step prompts with its state float32 [D]; its id, which no other object of this tracker gets.
        """
    def decode_prompts(self, seg_hidden_states: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], frame: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, frame_idx: typing.SupportsInt | typing.SupportsIndex, *, cancel: CancellationToken | None = None, on_progress: typing.Any = None) -> TrackedFrame:
        """
        Masks of prompts, states float32 [O, D], on one frame as step() would find them, without any memory; ids 0 to O - 1.
        """
    def holds_features(self, frame_idx: typing.SupportsInt | typing.SupportsIndex) -> bool:
        """
        Whether step() needs no pixels of a frame now; another session may evict its features.
        """
    def prompt(self, object_id: typing.SupportsInt | typing.SupportsIndex, seg_hidden_state: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> None:
        """
        Prompt an object once more, on the next step, with a state float32 [D].
        """
    def remove(self, object_id: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Forget an object.
        """
    def step(self, frame: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, frame_idx: typing.SupportsInt | typing.SupportsIndex, *, cancel: CancellationToken | None = None, on_progress: typing.Any = None) -> TrackedFrame:
        """
        Find every object on the next frame, uint8 [H, W, 3], and remember it; on_progress counts objects. None for the frame if the store holds its features.
        
        Raises CancelledError, InputError, CapacityError, InferenceError or StateError; then no memory has changed, and prompts wait for the next step.
        """
    @property
    def memory_bytes(self) -> int:
        """
        From any thread: bytes of all objects' memories.
        """
    @property
    def object_ids(self) -> list[int]:
        """
        From any thread: ids of the objects, in the order they were added.
        """
    @property
    def timings(self) -> dict[str, StageTiming]:
        """
        From any thread: timings of all stages since the tracker was made.
        """
def all_capabilities() -> list[Capability]:
    """
    In the order of the pipeline.
    """
def available_memory_bytes() -> int | None:
    """
    Bytes that this process may still take; None where the system does not say.
    """
def batches_frames_on_device(precision: str) -> bool:
    """
    Whether a stage of this precision takes several frames in one run on a device.
    """
def check_manifest_part(part: str, text: str) -> None:
    """
    Check one part of a manifest by itself: the name of its class, and its JSON in UTF-8.
    
    Raises PackageError.
    """
def decode_masks(runs: collections.abc.Sequence[str], height: typing.SupportsInt | typing.SupportsIndex, width: typing.SupportsInt | typing.SupportsIndex) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
    """
    Masks bool [F, H, W] of F codes.
    
    Raises InputError as mask_extents.
    """
def encode_mask(mask: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> str:
    """
    The counts of a COCO run-length code, of a mask bool [H, W].
    
    Raises InputError when H x W are not 1 to 2^28 pixels.
    """
def find_provider_problem(library: os.PathLike[str] | str | bytes, provider: str, device_id: typing.SupportsInt | typing.SupportsIndex = 0) -> ProviderProblem | None:
    """
    Why an execution provider cannot start on this machine; None when it can.
    
    Raises DeviceError and ConfigError as open_onnxruntime does.
    """
def find_spans(token_ids: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], time_first_id: typing.SupportsInt | typing.SupportsIndex, num_time_tokens: typing.SupportsInt | typing.SupportsIndex) -> list[SpanFraction]:
    """
    Spans in a token sequence: two adjacent time tokens in order, or one alone.
    """
def frames_per_batch(size_px: typing.SupportsInt | typing.SupportsIndex) -> int:
    """
    Frames of this side in one run of a frame graph that batches frames.
    """
def graph_signatures(model: str, video: str, tracking: str | None, mask_width: typing.SupportsInt | typing.SupportsIndex, cache_dtype: str) -> dict[str, GraphSignature]:
    """
    Expected inputs and outputs of each graph by stem, from the JSON of the manifest's
    `model`, `video` and `tracking` (None: without the stages of tracking).
    
    Raises PackageError.
    """
def mask_extents(runs: collections.abc.Sequence[str], height: typing.SupportsInt | typing.SupportsIndex, width: typing.SupportsInt | typing.SupportsIndex) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
    """
    Number of pixels, left, top, width and height of F masks, int64 [F, 5], without decoding them; all 0 for a mask without a pixel.
    
    Raises InputError when a code is malformed or does not fill height x width.
    """
def num_video_tokens(*, patch_grid: typing.SupportsInt | typing.SupportsIndex, aligner_padding: typing.SupportsInt | typing.SupportsIndex, num_frames: typing.SupportsInt | typing.SupportsIndex) -> int:
    """
    Video tokens that the aligner makes of some frames.
    """
def open_onnxruntime(library: os.PathLike[str] | str | bytes) -> OnnxRuntimeFacts:
    """
    Open libonnxruntime, once for the process.
    
    Raises DeviceError when it is missing or too old, ConfigError when another one is open already.
    """
def open_stage(package: Package, stem: str, config: RuntimeConfig) -> StageProviders:
    """
    Open the graph of one stage and close it again: what TensorRT builds meanwhile stays
    in the engine cache that the configuration names. Gives what the stage runs on.
    
    Raises as Model.load.
    """
def precisions() -> list[str]:
    """
    Precisions of a stage.
    """
def resize_bicubic(frames: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], height: typing.SupportsInt | typing.SupportsIndex, width: typing.SupportsInt | typing.SupportsIndex, *, num_threads: typing.SupportsInt | typing.SupportsIndex = 1, use_vectors: bool = True) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
    """
    Resize uint8 [T, H, W, 3] to uint8 [T, height, width, 3] as Pillow's bicubic, bit for bit, whatever the threads and whether AVX2 or NEON is used.
    """
def sample_positions(num_available: typing.SupportsInt | typing.SupportsIndex, num_frames: typing.SupportsInt | typing.SupportsIndex) -> list[int]:
    """
    Spread num_frames positions evenly over a clip (docs/model.md, part 3): the middle of each of equal segments, ascending; they repeat if the clip has fewer frames.
    
    Raises InputError when a number is below 1.
    """
def seg_hidden_states() -> list[str]:
    """
    Values of `seg_hidden_state`.
    """
def sha256_file(path: os.PathLike[str] | str | bytes) -> str:
    """
    Lower-case hexadecimal SHA-256 of a file.
    """
def symbol_ranges(manifest: Manifest, stem: str) -> list[SymbolRange]:
    """
    Sizes of every symbol in the inputs of a stage that TensorRT may run; empty for the
    others.
    
    Raises PackageError when the manifest has no such stage.
    """
def version() -> str:
    """
    Version of the native library.
    """
FRAMES_PER_ALIGNMENT: int = 16
MAX_MANIFEST_BYTES: int = 1048576
PACKAGE_FORMAT_VERSION: int = 2
