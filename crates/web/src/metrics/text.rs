//! Prometheus' text exposition format, version 0.0.4. It knows the form and no metric.
//! Label values may be anything and are escaped; names and help texts are the caller's constants and are not.
//!
//! ```text
//! # HELP name What it is
//! # TYPE name histogram
//! name_bucket{label="value",le="0.5"} 2        all up to the bound: cumulative
//! name_bucket{label="value",le="+Inf"} 3       the same as the count
//! name_sum{label="value"} 1.75
//! name_count{label="value"} 3
//! ```

use super::counting::{Counted, bounds_s, seconds};
use std::fmt::{Display, Write};

/// A label's name and value.
pub type Label<'a> = (&'static str, &'a str);

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts by bounds.
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The text while it is written.
#[derive(Default)]
pub struct Text(String);

impl Text {
    /// Begins a metric; what the returned writer is told belongs to it.
    pub fn metric(&mut self, kind: Kind, name: &'static str, help: &'static str) -> Samples<'_> {
        let text = &mut self.0;
        write(text, format_args!("# HELP {name} {help}\n# TYPE {name} {}\n", kind.name()));
        Samples { text, name }
    }

    /// All that was written.
    pub fn finish(self) -> String {
        self.0
    }
}

/// Writes the samples of one metric.
pub struct Samples<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Samples<'_> {
    /// The value under these labels.
    pub fn value(&mut self, labels: &[Label<'_>], value: impl Display) {
        self.sample("", labels, value);
    }

    /// A histogram under these labels, in seconds.
    pub fn histogram(&mut self, labels: &[Label<'_>], counted: &Counted) {
        let bounds = bounds_s().map(|bound| bound.to_string()).chain(["+Inf".to_owned()]);
        let mut cumulative = 0;
        for (bound, count) in bounds.zip(counted.counts) {
            cumulative += count;
            self.sample("_bucket", &[labels, &[("le", bound.as_str())]].concat(), cumulative);
        }
        self.sample("_sum", labels, seconds(counted.nanos));
        self.sample("_count", labels, cumulative);
    }

    fn sample(&mut self, suffix: &str, labels: &[Label<'_>], value: impl Display) {
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        for (index, (name, value)) in labels.iter().enumerate() {
            self.text.push(if index == 0 { '{' } else { ',' });
            write(self.text, format_args!("{name}=\""));
            escape(self.text, value);
            self.text.push('"');
        }
        self.text.push_str(if labels.is_empty() { " " } else { "} " });
        write(self.text, format_args!("{value}\n"));
    }
}

fn escape(text: &mut String, value: &str) {
    for letter in value.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            letter => text.push(letter),
        }
    }
}

fn write(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a string can always be written to");
}
