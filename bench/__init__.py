"""What the targets of speed and memory are measured by: real servers, real engines, ratios within one run."""
