//! What one caller asked lately: requests within a window that moves with the clock. In any stretch
//! as long as the window, no more are let through than the limit says.

use std::collections::VecDeque;

/// Parts in which the requests of a window are kept at most.
const PARTS_MAX: u32 = 20;

/// Requests of the last so many milliseconds.
#[derive(Debug)]
pub(super) struct Recent {
    window_ms: i64,
    parts: VecDeque<Part>,
}

/// Requests that stand together: all of them count until the last is out of the window.
#[derive(Debug)]
struct Part {
    first_ms: i64,
    last_ms: i64,
    requests: u32,
}

impl Recent {
    pub(super) fn of(window_ms: i64) -> Self {
        Self { window_ms, parts: VecDeque::new() }
    }

    /// Lets go of what the window has left behind, and says how many requests are in it.
    pub(super) fn at(&mut self, now_ms: i64) -> u32 {
        while self.parts.front().is_some_and(|part| part.last_ms + self.window_ms <= now_ms) {
            self.parts.pop_front();
        }
        for part in self.parts.iter_mut().rev().take_while(|part| part.last_ms > now_ms) {
            // The clock was set back: what seems to come later counts from now, not longer.
            part.last_ms = now_ms;
            part.first_ms = part.first_ms.min(now_ms);
        }
        self.parts.iter().map(|part| part.requests).sum()
    }

    /// Counts one request. Few are kept one by one, many in parts of the window.
    pub(super) fn add(&mut self, limit: u32, now_ms: i64) {
        let together_ms = match limit <= PARTS_MAX {
            true => 0,
            false => self.window_ms / i64::from(PARTS_MAX),
        };
        match self.parts.back_mut() {
            Some(part) if now_ms - part.first_ms < together_ms => {
                part.last_ms = now_ms;
                part.requests = part.requests.saturating_add(1);
            }
            _ => self.parts.push_back(Part { first_ms: now_ms, last_ms: now_ms, requests: 1 }),
        }
    }

    /// How long until the window lets go of something.
    pub(super) fn wait_ms(&self, now_ms: i64) -> i64 {
        let first = self.parts.front();
        first.map_or(self.window_ms, |part| part.last_ms + self.window_ms - now_ms)
    }

    /// True where nothing is left of it.
    pub(super) fn is_over(&self, now_ms: i64) -> bool {
        self.parts.back().is_none_or(|part| part.last_ms + self.window_ms <= now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends requests at these moments, and gives those that were let through.
    fn let_through(limit: u32, window_ms: i64, moments: impl Iterator<Item = i64>) -> Vec<i64> {
        let mut recent = Recent::of(window_ms);
        let mut through = Vec::new();
        for now_ms in moments {
            if recent.at(now_ms) < limit {
                recent.add(limit, now_ms);
                through.push(now_ms);
            }
            assert!(recent.parts.len() <= PARTS_MAX as usize + 1);
        }
        through
    }

    #[test]
    fn no_stretch_as_long_as_the_window_holds_more_than_the_limit() {
        for (limit, step_ms) in [(1, 7), (10, 130), (60, 90), (1000, 1)] {
            let through = let_through(limit, 10_000, (0..40_000).step_by(step_ms));
            let limit = limit as usize;
            for (place, from) in through.iter().enumerate() {
                let within = through[place..].iter().take_while(|at| **at < from + 10_000).count();
                assert!(within <= limit, "{within} of {limit} from {from}");
            }
            assert!(through.len() > limit * 3, "the window moves on: {} {limit}", through.len());
        }
    }

    #[test]
    fn few_requests_come_back_one_by_one() {
        let through = let_through(2, 1000, [0, 400, 500, 999, 1000, 1001, 1399, 1400].into_iter());
        assert_eq!(through, [0, 400, 1000, 1400]);
    }

    #[test]
    fn many_requests_come_back_a_twentieth_of_the_window_late_at_most() {
        let through = let_through(100, 60_000, (0..100).map(|at| at * 500).chain([63_000]));
        assert_eq!(through.len(), 101);
    }
}
