//! How much memory there is to take, and how much is taken: as far as the system tells.

use std::fs;

/// What is taken for free where the system tells nothing, in bytes.
const UNKNOWN: u64 = 4 << 30;

/// Bytes that this process may still take, by the machine and by the limits of its control groups (a batch system
/// sets such limits); none where the system does not tell.
pub fn available() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| kilobytes(&text, "MemAvailable:"));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    machine.into_iter().chain(limits(&groups)).min()
}

/// Bytes that networks may take, those included that this process holds already.
pub fn budget() -> u64 {
    let all = available().unwrap_or(UNKNOWN) + resident().unwrap_or(0);
    // The rest is for data, and for what an estimate leaves out.
    all / 4 * 3
}

/// Bytes of memory that this process holds; none where the system does not tell.
pub fn resident() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// The number behind `name`, which the kernel gives in kB.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    let number: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    number.checked_mul(1024)
}

/// What is left of the limit of every control group that `groups` lists, and of those around it.
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
    fn the_kernels_lists_are_read() {
        let text = "MemTotal:       24620136 kB\nMemAvailable:   23068672 kB\n";
        assert_eq!(kilobytes(text, "MemAvailable:"), Some(22 << 30));
        assert_eq!(kilobytes(text, "VmRSS:"), None);
        assert_eq!(kilobytes("VmRSS: much kB", "VmRSS:"), None);
        assert!(limits("nonsense\n5:cpu:/x\n").is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_holds_memory_and_may_take_more() {
        assert!(resident().unwrap() > 1 << 20);
        assert!(available().unwrap() > 1 << 20);
    }
}
