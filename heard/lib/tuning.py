"""PostgreSQL's settings for the machine at hand: quick on a small one, modest on a large one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

MEGABYTE = 1024 * 1024


def tuning(*, memory_bytes: int, free_bytes: int) -> dict[str, str]:
    """PostgreSQL's settings for a machine with this memory and this much free disk."""
    memory = memory_bytes // MEGABYTE
    shared = max(32, min(memory // 8, 2048))
    return {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_permissions": "0700",
        "max_connections": "60",
        "fsync": "on",
        "synchronous_commit": "on",
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{max(128, memory // 2)}MB",
        "work_mem": f"{max(4, min(memory // 512, 32))}MB",
        "maintenance_work_mem": f"{max(32, min(memory // 16, 1024))}MB",
        "max_wal_size": f"{max(256, min(free_bytes // MEGABYTE // 8, 8192))}MB",
        "checkpoint_timeout": "15min",
        "wal_compression": "on",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_filename": "postgres-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_checkpoints": "off",
        "log_parameter_max_length_on_error": "0",
    }


def memory_bytes() -> int:
    """The machine's memory, or the container's where it is less."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            limits.append(int(Path(file).read_text()))
    return min(limits)
