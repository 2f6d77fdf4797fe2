"""From an advertiser's raw data to trained, judged, explained models; every byte of it can be made again."""

__version__ = "0.1.0"
