//! What is going to happen, in the order in which it will.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use outdial_engine::Tick;

/// Happenings by their time; those of the same time in the order in which they were planned.
#[derive(Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Reverse<(Tick, u64, Keyed<T>)>>,
    planned: u64,
}

/// Carried along, but of no weight in the order.
#[derive(Debug)]
struct Keyed<T>(T);

impl<T> PartialEq for Keyed<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Keyed<T> {}

impl<T> PartialOrd for Keyed<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Keyed<T> {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue {
            heap: BinaryHeap::new(),
            planned: 0,
        }
    }
}

impl<T> Queue<T> {
    /// Plans a happening.
    pub fn plan(&mut self, at: Tick, what: T) {
        self.planned += 1;
        self.heap.push(Reverse((at, self.planned, Keyed(what))));
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next(&self) -> Option<Tick> {
        self.heap.peek().map(|Reverse((at, _, _))| *at)
    }

    /// The next thing that happens at `now` or before.
    pub fn pop(&mut self, now: Tick) -> Option<T> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, _, Keyed(what)))| what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_time_and_then_as_planned() {
        let mut queue = Queue::default();
        for (at, what) in [(5, 'c'), (1, 'a'), (5, 'd'), (3, 'b')] {
            queue.plan(Tick(at), what);
        }
        assert_eq!(queue.pop(Tick(0)), None);
        let all: String = std::iter::from_fn(|| queue.pop(Tick(9))).collect();
        assert_eq!(all, "abcd");
    }
}
