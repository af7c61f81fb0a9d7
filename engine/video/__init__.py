"""Frames of a video to cartoons that stay steady from frame to frame."""
