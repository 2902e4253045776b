//! Figures of the list.

use std::sync::atomic::Ordering;

use super::ConcurrentSkipList;
use crate::Stat;

impl ConcurrentSkipList {
    fn stat(&self, stat: Stat) -> u64 {
        self.table().stat(stat).unwrap_or(0)
    }

    /// Everything that was written: inserts, and deletes with a tombstone of their own.
    pub(super) fn entries(&self) -> u64 {
        self.stat(Stat::Versions)
    }

    /// How many keys are live.
    pub fn len(&self) -> usize {
        let live = self.deletes.live.load(Ordering::Relaxed);
        let absent = self.deletes.absent.load(Ordering::Relaxed);
        // A key that was live and is deleted takes two versions, one that never was takes one.
        self.entries().saturating_sub(2 * live + absent) as usize
    }

    /// Whether no key is live.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it was sealed.
    pub fn is_sealed(&self) -> bool {
        self.table().is_sealed()
    }

    /// Bytes in use.
    pub fn memory_usage(&self) -> usize {
        match &self.budget {
            Some(budget) => budget.used.load(Ordering::Relaxed) as usize,
            None => self.stat(Stat::MemoryUsed) as usize,
        }
    }

    /// Bytes made usable so far.
    pub fn memory_reserved(&self) -> usize {
        match &self.budget {
            Some(budget) => budget.limit as usize,
            None => self.stat(Stat::MemoryReserved) as usize,
        }
    }

    /// Usage by reserved: 0 to 1.
    pub fn memory_utilization(&self) -> f64 {
        self.memory_usage() as f64 / self.memory_reserved().max(1) as f64
    }

    /// Reserved without usage.
    pub fn memory_idle(&self) -> usize {
        let used = self.memory_usage();
        self.memory_reserved().saturating_sub(used)
    }

    /// Bytes of a key, on average; deleted ones count.
    pub fn avg_key_size(&self) -> f64 {
        average(self.stat(Stat::KeyBytes), self.stat(Stat::Keys))
    }

    /// Bytes of an inserted value, on average.
    pub fn avg_value_size(&self) -> f64 {
        let deletes =
            self.deletes.live.load(Ordering::Relaxed) + self.deletes.absent.load(Ordering::Relaxed);
        let inserts = self.entries().saturating_sub(deletes);
        average(self.stat(Stat::ValueBytes), inserts)
    }

    /// Inserts attempted, whatever came of them.
    pub fn total_inserts(&self) -> usize {
        let deletes =
            self.deletes.live.load(Ordering::Relaxed) + self.deletes.absent.load(Ordering::Relaxed);
        self.stat(Stat::Writes).saturating_sub(deletes) as usize
    }

    /// The limit of memory that was asked for; 0 is none.
    pub fn max_memory_bytes(&self) -> usize {
        self.max_memory_bytes
    }

    /// The limit of entries that was asked for; 0 is none.
    pub fn max_entries(&self) -> usize {
        self.max_entries
    }

    /// Whether 90 per cent of a limit are reached.
    pub fn is_under_backpressure(&self) -> bool {
        let small = self.budget.as_ref().map_or(false, |budget| {
            budget.used.load(Ordering::Relaxed) * 10 >= budget.limit * 9
        });
        small || self.table().under_backpressure()
    }
}

fn average(sum: u64, count: u64) -> f64 {
    match count {
        0 => 0.0,
        count => sum as f64 / count as f64,
    }
}
