//! Half-open spans of time, [start, end): the first millisecond is in, the last is out.
//! It never asks what time it is.

use crate::TimeMs;

/// When something may happen: from `start` (included) to `end` (excluded).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    start: TimeMs,
    end: TimeMs,
}

/// Why two times make no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowError {
    /// The end is not after the start.
    EndNotAfterStart,
}

/// Where a moment lies in relation to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the first millisecond.
    Before,
    /// Inside.
    Within,
    /// At the end or later.
    After,
}

impl Window {
    /// A window of at least one millisecond.
    pub const fn new(start: TimeMs, end: TimeMs) -> Result<Self, WindowError> {
        if end.0 > start.0 { Ok(Self { start, end }) } else { Err(WindowError::EndNotAfterStart) }
    }

    /// The first millisecond inside.
    pub const fn start(self) -> TimeMs {
        self.start
    }

    /// The first millisecond after it.
    pub const fn end(self) -> TimeMs {
        self.end
    }

    /// Where `now` lies.
    pub const fn at(self, now: TimeMs) -> Moment {
        if now.0 < self.start.0 {
            Moment::Before
        } else if now.0 < self.end.0 {
            Moment::Within
        } else {
            Moment::After
        }
    }

    /// Whether every moment of `inner` is also a moment of this window.
    pub const fn covers(self, inner: Window) -> bool {
        self.start.0 <= inner.start.0 && inner.end.0 <= self.end.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_millisecond_is_in_and_the_last_is_out() {
        let window = Window::new(TimeMs(1000), TimeMs(2000)).unwrap();
        let table = [
            (0, Moment::Before),
            (999, Moment::Before),
            (1000, Moment::Within),
            (1999, Moment::Within),
            (2000, Moment::After),
            (u64::MAX, Moment::After),
        ];
        for (now, expected) in table {
            assert_eq!(window.at(TimeMs(now)), expected, "at {now}");
        }
    }

    #[test]
    fn an_empty_or_backward_window_is_refused() {
        assert_eq!(Window::new(TimeMs(5), TimeMs(5)), Err(WindowError::EndNotAfterStart));
        assert_eq!(Window::new(TimeMs(6), TimeMs(5)), Err(WindowError::EndNotAfterStart));
    }
}
