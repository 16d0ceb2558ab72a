import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from humanseg.system.notices import ANIMATION, PAGES, Notices


def test_files_are_counted_by_kind_and_some_are_named() -> None:
    notices = Notices()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda index: notices.add(Path(f"in/{index}.gif"), [ANIMATION]), range(5)))
    notices.add(Path("scan.tif"), [PAGES])
    notices.add(Path("plain.jpg"), [])
    animations, pages = sorted(notices.lines(), reverse=True)
    assert animations.startswith("5 animations: ") and animations.endswith(
        "(0.gif, 1.gif, 2.gif, …)"
    )
    assert pages.startswith("1 file of several pages: ") and pages.endswith("(scan.tif)")


def test_notices_go_to_another_process() -> None:
    """The data of a training go to each of its processes, notices and all."""
    notices = Notices()
    notices.add(Path("a.tif"), [PAGES])
    sent: Notices = pickle.loads(pickle.dumps(notices))
    sent.add(Path("b.tif"), [PAGES])
    assert len(notices.lines()) == 1 and "b.tif" in sent.lines()[0]
