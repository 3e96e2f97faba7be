"""The version, in one place: the package's build reads it from here, and so does who records a run."""

VERSION = "0.1.0"
