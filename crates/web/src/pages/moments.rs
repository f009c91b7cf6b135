//! Moments as people read them where no script can put them into the reader's own zone: in the zone that the
//! configuration names, which is said with them.

use crate::language::Language;
use jiff::{Timestamp, civil::DateTime, tz::Offset};
use sale::{TimeMs, Window};

/// The zone of the pages.
#[derive(Clone, Copy, Debug)]
pub struct Zone(pub Offset);

/// A moment for a page.
pub struct Shown {
    /// RFC 3339, for `datetime`.
    pub machine: String,
    /// For people, with the zone.
    pub text: String,
}

impl Zone {
    /// One moment.
    pub fn moment(self, time: TimeMs) -> Shown {
        let stamp = timestamp(time);
        let text = format!("{} {}", text_of(self.0.to_datetime(stamp)), self.name());
        Shown { machine: stamp.to_string(), text }
    }

    /// A moment without its zone, for tables whose head names the zone.
    pub fn plain(self, time: TimeMs) -> String {
        text_of(self.0.to_datetime(timestamp(time)))
    }

    /// What `<input type="datetime-local">` holds.
    pub fn field(self, time: TimeMs) -> String {
        let at = self.0.to_datetime(timestamp(time));
        format!("{}T{:02}:{:02}:{:02}", at.date(), at.hour(), at.minute(), at.second())
    }

    /// The moment of such a field, with or without its seconds.
    pub fn read_field(self, text: &str) -> Option<TimeMs> {
        let at: DateTime = text.parse().ok()?;
        let stamp = self.0.to_timestamp(at).ok()?;
        u64::try_from(stamp.as_millisecond()).ok().map(TimeMs)
    }

    /// Such as UTC+8 or UTC-3:30.
    pub fn name(self) -> String {
        let minutes = self.0.seconds() / 60;
        let (hours, rest) = (minutes / 60, (minutes % 60).abs());
        match (minutes, rest) {
            (0, _) => "UTC".to_owned(),
            (_, 0) => format!("UTC{hours:+}"),
            _ if hours == 0 => format!("UTC{}0:{rest:02}", if minutes < 0 { '-' } else { '+' }),
            _ => format!("UTC{hours:+}:{rest:02}"),
        }
    }

    /// Both ends of a window.
    pub fn window(self, window: Window) -> (Shown, Shown) {
        (self.moment(window.start()), self.moment(window.end()))
    }
}

/// A length of time in words, such as the time to pay.
pub fn span(seconds: u32, language: Language) -> String {
    let (count, one, many, zh) = match seconds {
        s if s % 86_400 == 0 && s > 86_400 => (s / 86_400, "day", "days", "天"),
        s if s % 3_600 == 0 => (s / 3_600, "hour", "hours", "小时"),
        s if s % 60 == 0 => (s / 60, "minute", "minutes", "分钟"),
        s => (s, "second", "seconds", "秒"),
    };
    match language {
        Language::En => format!("{count} {}", if count == 1 { one } else { many }),
        Language::Zh => format!("{count} {zh}"),
    }
}

/// Seconds are shown where there are any.
fn text_of(at: DateTime) -> String {
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    let second = if second == 0 { String::new() } else { format!(":{second:02}") };
    format!("{} {hour:02}:{minute:02}{second}", at.date())
}

/// A moment beyond the calendar's end is shown as that end.
fn timestamp(time: TimeMs) -> Timestamp {
    let ms = i64::try_from(time.0).ok();
    ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::offset;

    #[test]
    fn a_length_of_time_is_said_in_its_largest_unit() {
        for (seconds, en, zh) in [
            (45, "45 seconds", "45 秒"),
            (60, "1 minute", "1 分钟"),
            (900, "15 minutes", "15 分钟"),
            (3_600, "1 hour", "1 小时"),
            (86_400, "24 hours", "24 小时"),
            (172_800, "2 days", "2 天"),
        ] {
            assert_eq!(span(seconds, Language::En), en);
            assert_eq!(span(seconds, Language::Zh), zh);
        }
    }

    #[test]
    fn a_moment_is_shown_in_its_zone_and_read_back_from_its_field() {
        let time = TimeMs(1_796_090_400_000);
        let table = [
            (offset(8), "2026-12-01 10:00 UTC+8", "2026-12-01T10:00:00"),
            (Offset::UTC, "2026-12-01 02:00 UTC", "2026-12-01T02:00:00"),
            (
                Offset::from_seconds(-12_600).unwrap(),
                "2026-11-30 22:30 UTC-3:30",
                "2026-11-30T22:30:00",
            ),
        ];
        for (zone, text, field) in table {
            let zone = Zone(zone);
            assert_eq!(zone.moment(time).text, text);
            assert_eq!(zone.field(time), field);
            assert_eq!(zone.read_field(field), Some(time));
            assert_eq!(zone.read_field(field.strip_suffix(":00").unwrap()), Some(time));
        }
        assert_eq!(Zone(Offset::from_seconds(-1800).unwrap()).name(), "UTC-0:30");
        for wrong in ["", "tomorrow", "2026-13-01T10:00"] {
            assert_eq!(Zone(offset(8)).read_field(wrong), None, "{wrong}");
        }
    }
}
