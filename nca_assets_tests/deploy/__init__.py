"""What runs on a cluster is checked without one."""
