"""`glint-unet live` on a video."""

import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import cv2

EN = ("--lang", "en")


def test_live_prints_frames_per_second_and_latency(command, eyes_run, eyes_video, tmp_path):
    words = ["--run", eyes_run, "--source", eyes_video, "--overlay", tmp_path / "live.avi", "--every_s", 0]
    status, out, err = command("live", *words, *EN)
    assert status == 0, err
    assert "40 frames" in out.splitlines()[-1]
    assert "latency in ms: median" in out
    assert cv2.VideoCapture(str(tmp_path / "live.avi")).get(cv2.CAP_PROP_FRAME_COUNT) == 40
    status, out, _ = command("live", "--run", eyes_run, "--source", eyes_video, "--num", 5, *EN)
    assert "5 frames" in out


def test_live_refuses_a_source_that_is_not_there(command, eyes_run, tmp_path):
    for source in (tmp_path / "none.mp4", 97):
        status, _, err = command("live", "--run", eyes_run, "--source", source, *EN)
        assert status == 2
        assert "Cannot be opened as a video" in err
    assert os.environ.get("DISPLAY") or command("live", "--run", eyes_run, "--source", "98", "--show", *EN)[0] == 2


def test_live_reads_a_stream_by_its_url(command, eyes_run, eyes_video):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=eyes_video.parent)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{eyes_video.name}"
        status, out, err = command("live", "--run", eyes_run, "--source", url, "--num", 7, *EN)
        server.shutdown()
    assert (status, err) == (0, "")
    assert "7 frames" in out.splitlines()[-1]


def test_live_reports_unlike_images_once(command, eyes_run, eyes_video, eyes_frames, tmp_path):
    dark = tmp_path / "dark.avi"
    writer = cv2.VideoWriter(str(dark), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for frame in [*eyes_frames] * 3:
        writer.write(cv2.cvtColor(frame // 8, cv2.COLOR_GRAY2BGR))
    writer.release()
    words = ["live", "--run", eyes_run, "--every_s", 0, *EN]
    status, out, err = command(*words, "--source", dark)
    assert (status, err) == (0, "")
    assert out.count("unlike those of the training") == 1
    assert "120 frames" in out.splitlines()[-1]
    assert "unlike" not in command(*words, "--source", eyes_video)[1]


def test_live_follows_the_eye_unless_that_is_turned_off(command, eyes_run, eyes_video):
    words = ["live", "--run", eyes_run, "--source", eyes_video, "--every_s", 0, *EN]
    for more in ((), ("--no_follow",)):
        status, out, err = command(*words, *more)
        assert (status, err) == (0, "")
        assert "40 frames" in out.splitlines()[-1]
