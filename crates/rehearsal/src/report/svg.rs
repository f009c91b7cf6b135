//! Pieces of HTML and inline SVG: escaped text, and coordinates that are always finite.
//! Text that somebody wrote only ever gets into a page through [`Text`].

use super::figures::finite;
use std::fmt::{self, Display, Formatter, Write};

/// A text that stays a text, in elements and in quoted attributes alike.
pub struct Text<'a>(pub &'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;"),
                '<' => f.write_str("&lt;"),
                '>' => f.write_str("&gt;"),
                '"' => f.write_str("&quot;"),
                '\'' => f.write_str("&#39;"),
                // Whatever XML cannot hold would make the page unreadable for some readers.
                c if c.is_control() && c != '\n' && c != '\t' => f.write_char(' '),
                c => f.write_char(c),
            }?;
        }
        Ok(())
    }
}

/// A coordinate, to a tenth.
pub struct Px(pub f64);

impl Display for Px {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let tenths = (finite(self.0) * 10.0).round() / 10.0;
        // Without the sum, what is rounded to zero from below would be written "-0".
        write!(f, "{}", tenths + 0.0)
    }
}

/// Appends to a page in the making.
pub fn add(out: &mut String, piece: fmt::Arguments<'_>) {
    out.write_fmt(piece).expect("a string takes every text");
}

/// Where a text lies with respect to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// A drawing with a title and a description for those who do not see it.
pub struct Drawing(String);

impl Drawing {
    /// An empty one; `id` is its own in the page.
    pub fn new(id: &str, size: (f64, f64), title: &str, desc: &str) -> Self {
        let mut out = String::new();
        add(
            &mut out,
            format_args!(
                "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
                 <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n",
                Px(size.0),
                Px(size.1),
                Text(title),
                Text(desc)
            ),
        );
        Self(out)
    }

    /// A text at a point.
    pub fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        add(
            &mut self.0,
            format_args!(
                "<text class=\"{class}\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>\n",
                Px(x),
                Px(y),
                Text(text)
            ),
        );
    }

    /// A path, unless it is empty.
    pub fn path(&mut self, class: &str, steps: &str) {
        if !steps.is_empty() {
            add(&mut self.0, format_args!("<path class=\"{class}\" d=\"{steps}\"/>\n"));
        }
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.path(class, &format!("M{} {}L{} {}", Px(from.0), Px(from.1), Px(to.0), Px(to.1)));
    }

    /// The finished drawing.
    pub fn finish(mut self) -> String {
        self.0.push_str("</svg>");
        self.0
    }
}
