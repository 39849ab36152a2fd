//! What this process has used of the machine, by Linux's own account (proc(5)).

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::fs;

use anyhow::Context;

/// Seconds of processor time of `process`, an id or "self": the first `n` of user, system, children's
/// user and children's system time, which Linux counts in hundredths.
pub(crate) fn processor(process: &str, n: usize) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let fields = fields.split_whitespace().skip(11).take(n);
    fields
        .filter_map(|field| field.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

/// The most that was ever resident.
pub(crate) fn peak_kib() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.split_whitespace().next());
    Ok(peak.context("no VmHWM")?.parse()?)
}
