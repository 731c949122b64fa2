"""What a built wheel is tested with: nano answers in text, time and pixels. Needs no PyTorch."""

from __future__ import annotations

from training.demo import SEED
from training.tasks import TaskKind, all_tasks
from training.tasks.masks import decoded, mask_scores
from training.tasks.score import overlap
from training.world import Truth, make_scene, render
from ufvideo_sdk import UFVideo


def test_a_question_about_a_rendered_clip() -> None:
    rendered = render(make_scene(SEED))
    scene = rendered.scene
    tasks = all_tasks(Truth(scene), seed=SEED)
    task = next(t for t in tasks if t.kind is TaskKind.PIXTRQA and not t.absent)
    with UFVideo.load().open(rendered.frames, timestamps_s=scene.times_s) as session:
        answer = session.ask(task.question, segment_frames="all")
    (span,), (track,), (thing,) = answer.spans, answer.masks, task.targets
    assert task.span is not None
    truth = tuple(scene.times_s[0] + fraction * scene.duration_s for fraction in task.span)
    assert overlap((span.start_s, span.end_s), (truth[0], truth[1])) > 0.5
    assert sum(mask_scores([decoded(track)], rendered.masks[thing : thing + 1])) / 2 > 0.8
