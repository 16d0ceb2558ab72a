"""Video in, video out: frames through the model, smoothed over time, with the sound kept."""

VIDEO_SUFFIXES = frozenset(
    ".3g2 .3gp .asf .avi .divx .dv .f4v .flv .m2t .m2ts .m2v .m4v .mkv .mov .mp4 .mpe .mpeg .mpg "
    ".mts .mxf .ogm .ogv .qt .rm .rmvb .ts .vob .webm .wmv .wtv .y4m".split()
)
"""The suffixes of videos, in lower case; PyAV is loaded only for one."""
