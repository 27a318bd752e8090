//! Free memory and memory in use, as far as the system reports them.

use std::fs;

use sysinfo::{MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, System};

/// Free memory assumed where the system does not report it, in bytes.
pub const UNKNOWN: u64 = 4 << 30;

/// Bytes that this process may still allocate: the least that the machine and the limits of the
/// control groups of this process leave (batch systems set such limits). `None` if the system reports
/// neither.
pub fn available() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let machine = Some(system.available_memory()).filter(|&bytes| bytes > 0);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    machine.into_iter().chain(limits(&groups)).min()
}

/// Bytes that networks may use, including what this process uses already.
pub fn budget() -> u64 {
    let total = available().unwrap_or(UNKNOWN) + resident().unwrap_or(0);
    // The rest is for data, and for what estimates leave out.
    total / 4 * 3
}

/// Bytes of physical memory that this process uses; `None` if the system does not report it.
pub fn resident() -> Option<u64> {
    let process = sysinfo::get_current_pid().ok()?;
    let mut system = System::new();
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[process]),
        false,
        ProcessRefreshKind::nothing().with_memory(),
    );
    Some(system.process(process)?.memory())
}

/// Bytes below the limit of every control group in `groups` (the format of `/proc/self/cgroup`), and of
/// the groups that contain them.
fn limits(groups: &str) -> Vec<u64> {
    let mut left = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let (root, limit, used) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max", "memory.current"),
            "memory" => (
                "/sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
            ),
            _ => continue,
        };
        let mut path = path.trim_end_matches('/');
        loop {
            let number = |file: &str| -> Option<u64> {
                let text = fs::read_to_string(format!("{root}{path}/{file}")).ok()?;
                text.trim().parse().ok()
            };
            if let (Some(limit), Some(used)) = (number(limit), number(used)) {
                left.push(limit.saturating_sub(used));
            }
            match path.rfind('/') {
                Some(end) => path = &path[..end],
                None => break,
            }
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_a_memory_limit_are_ignored() {
        assert!(limits("nonsense\n5:cpu:/x\n").is_empty());
    }

    #[test]
    fn this_process_uses_memory_and_may_allocate_more() {
        assert!(resident().unwrap() > 1 << 20);
        assert!(available().unwrap() > 1 << 20);
    }
}
