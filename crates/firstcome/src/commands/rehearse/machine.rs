//! What a report says of the machine, so that two reports can be compared. What cannot be read is left out;
//! who the machine belongs to, and what it is called, is never in it.

use std::thread::available_parallelism;

/// KiB in a GiB.
const KIB_IN_GIB: f64 = 1024.0 * 1024.0;

/// Processor, cores, memory and kernel, in one line.
pub fn description() -> String {
    let cores = available_parallelism().map(|cores| match cores.get() {
        1 => "1 core".to_owned(),
        many => format!("{many} cores"),
    });
    let parts = [cores.ok(), processor(), memory(), kernel()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    value(&text, "model name")
}

fn memory() -> Option<String> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib: f64 = value(&text, "MemTotal")?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(format!("{:.0} GiB of memory", kib / KIB_IN_GIB))
}

fn kernel() -> Option<String> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    Some(format!("Linux {}", release.trim()))
}

fn value(text: &str, name: &str) -> Option<String> {
    let named = text.lines().filter_map(|line| line.split_once(':'));
    let mut values = named.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
    values.find(|value| !value.is_empty()).map(str::to_owned)
}
