"""From facts about a stream to questions that are due and events with edges.

There is no clock, no thread and no model here. An `Engine` follows one camera: whoever watches it
tells the engine facts, and the engine tells what follows from them. Everything is a function of the
facts, in their order, so that the same facts tell the same bytes again.

    engine = Engine(Rules.load("rules.yaml"))
    log.write(line_of(engine.opened("door")))
    for fact in what_happens:
        log.write(line_of(fact))
        for told in engine.take(fact):
            log.write(line_of(told))

What an engine is told, in the order in which it happens (`engine.facts` has the fields; all times
are stream time in seconds):

- `Frame`: a frame was taken. Index and time rise. `change` is how much it differs from the frame
  before, from 0.0 to 1.0, or None: not measured.
- `Asked`: a question that is due goes to the model. `frame_idx` and `time_s` are the newest frame
  of the window, `window_start_s` is the time of its oldest one.
- `Answered`: its answer. Answers to one question come in the order of its askings.
- `Failed`: the oldest open asking of a question gets no answer, such as one that was cancelled.
- `Dropped`: a question that is due is given up for this turn.
- `Tracked`: the objects of a `track` question on a frame. Those that are not there are left out,
  and frames without objects are told too. Ids never come back.
- `Gap`: frames are missing. Every event that is under way ends, and tracks begin anew.
- `Ended`: the stream is over. It is the last fact: every answer comes before it.

What it tells about one fact, in this order: about a `Frame` each question that becomes `Due`, in
the order of the file; about an `Answered` or a `Tracked`, rule by rule in the order of the file,
what was `Crossed` and `Judged`, and the edges of events (`Event`), of `locate` first the end of an
event that the window has moved past; about a `Gap` or `Ended` the ends of events, in the order of
the rules.

- A question is due at the first frame, and then every `every_s`, counted from the frame that it
  was asked about or dropped at. It stays due (`Engine.due`) until it is asked or dropped, so that
  a watcher may wait, such as for a second frame. Ask all that are due as one `ask_many`.
- With `on_change` it is due when the largest `change` of a frame since it was asked reaches the
  threshold, no sooner than `every_s`, and after `force_every_s` in any case.
- A `track` question is never due: it is tracked from the first frame on. While no object is
  followed, segment its name on the newest frame with `allow_absent`, every `TrackConfig.retry_s`,
  and begin a track (`Stream.track`, `verify_s=0.5`) when the mask has a pixel. End the track when
  it is lost or drifts; the next one has a new id. So each appearance is one track. A track that
  waits for its object to come back begins on whatever comes next: of nano's frames without the
  object it has masks on a third.
- `Question` says how to ask. `choices` are those of `ask`, and the answer's `choice` is one of
  them. `regions` lie on the newest frame of the window. Ask `locate` with `allow_absent`, and
  `segment` about the newest frame. A `count` and a `text` are asked in words.
- An event has one start and one end with the same id. Ids are 1, 2 and so on in the order of the
  starts. Events of one rule never overlap. No answer is evidence of two events, except of
  `locate`, whose answer may name two spans.
- `start_s` and `end_s` are the first and the last time at which the condition was seen to hold;
  `known_s` is when that was known. `clip_start_s` and `clip_end_s` include `pre_roll_s` and
  `post_roll_s`, whether the stream reaches as far or not: a sink cuts them to what there is.
- A recording is a folder with `facts.jsonl`: `Opened` first, then every fact in order. `replayed`
  tells an engine the inputs of a log again, and `explain` says why an event started, or why none
  did.
"""

from __future__ import annotations

from ufvideo_sdk.watch.engine.engine import Engine
from ufvideo_sdk.watch.engine.explain import explain
from ufvideo_sdk.watch.engine.fact_log import fact_of, line_of, lines_of, read_facts
from ufvideo_sdk.watch.engine.replay import load_facts, log_of, replayed

__all__ = [
    "Engine",
    "explain",
    "fact_of",
    "line_of",
    "lines_of",
    "load_facts",
    "log_of",
    "read_facts",
    "replayed",
]
