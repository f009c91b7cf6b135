//! Lists as people paste them from a spreadsheet: with tabs or commas, with or without a header in Chinese or English.
//! Of names it takes the likely columns and says which. Of codes it never guesses: they are worth money.

mod headings;
#[cfg(test)]
mod tests;

pub use headings::Role;
use headings::{code_column, is_heading, roster_columns};

/// Lines of a pasted list, the empty ones too, and the names of a list in one line.
pub const LINES_MAX: usize = 1_000_000;
/// Cells of a pasted list.
pub const CELLS_MAX: usize = 8_000_000;
/// Characters of a header that are shown.
const HEADING_CHARS_MAX: usize = 24;
/// Columns left out that are named.
const LEFT_OUT_MAX: usize = 6;
/// What separates cells where there is no tab, in this order.
const SEPARATORS: [char; 5] = [',', ';', '，', '；', '、'];

/// A name of a roster with what stands beside it.
#[derive(Debug, PartialEq, Eq)]
pub struct RosterLine {
    /// What the person signs in with.
    pub name: String,
    /// May be empty.
    pub display_name: String,
    /// May be empty.
    pub department: String,
}

/// A list, and what was understood of it.
pub struct Pasted<T> {
    /// In order; what stands twice is here once.
    pub items: Vec<T>,
    /// The line of each, from 1.
    pub lines: Vec<u32>,
    /// For people to check.
    pub understood: Understood,
}

/// What was made of a pasted list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Understood {
    /// Items.
    pub count: usize,
    /// Lines left out because the same stands above.
    pub repeated: usize,
    /// What each used column is for and its header; an empty header: there is none.
    pub used: Vec<(Role, String)>,
    /// Headers of columns that are not used.
    pub left_out: Vec<String>,
}

/// Why nothing was made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasteFault {
    /// A quoted cell begins on this line and never ends.
    QuoteNotClosed(u32),
    /// Codes in so many columns, and no header says which.
    WhichColumn(usize),
    /// Two columns that may be the same thing.
    TwoColumns(String, String),
    /// A header, and no column with names in it.
    NoNames,
    /// A line with more cells than the header.
    TooWide(u32),
    /// More than `LINES_MAX` lines or `CELLS_MAX` cells.
    TooLong,
}

/// The codes of a pasted list.
pub fn codes(text: &str) -> Result<Pasted<String>, PasteFault> {
    let is_code = |cell: &str| is_heading(cell, &[Role::Code]);
    let table = Table::read(text, separator(text, &is_code, &[',']))?;
    let (header, rows) = table.split(&is_code)?;
    let column = match header {
        Some(header) => code_column(&header.cells)?,
        None if table.width() > 1 => return Err(PasteFault::WhichColumn(table.width())),
        None => 0,
    };
    let mut pasted = Pasted::new(header, &[(Role::Code, column)]);
    let mut seen = std::collections::HashSet::new();
    for row in rows {
        let code = row.cell(column);
        if code.is_empty() || seen.insert(code) {
            pasted.push(code.to_owned(), row.line);
        } else {
            pasted.understood.repeated += 1;
        }
    }
    Ok(pasted)
}

/// The names of a pasted list: one a line, a table, or one line of names with commas between them.
pub fn roster(text: &str) -> Result<Pasted<RosterLine>, PasteFault> {
    let known = |cell: &str| is_heading(cell, &Role::OF_ROSTER);
    let mut table = Table::read(text, separator(text, &known, &SEPARATORS))?;
    let (header, rows) = table.split(&known)?;
    let columns = match header {
        Some(header) => roster_columns(&header.cells)?,
        None if rows.len() == 1 && !text.contains('\t') => {
            table.one_a_line()?;
            vec![(Role::Name, 0)]
        }
        None => Role::OF_PLAIN_ROSTER[table.width().min(3)]
            .iter()
            .enumerate()
            .map(|(at, role)| (*role, at))
            .collect(),
    };
    let (header, rows) = table.split(&known)?;
    let mut pasted = Pasted::new(header, &columns);
    let mut seen = std::collections::HashSet::new();
    for row in rows {
        let cell = |role: Role| {
            let found = columns.iter().find(|(one, _)| *one == role);
            found.map_or("", |(_, column)| row.cell(*column)).to_owned()
        };
        let (name, department) = (cell(Role::Name), cell(Role::Department));
        if name.is_empty() || seen.insert(name.clone()) {
            let line = RosterLine { name, display_name: cell(Role::DisplayName), department };
            pasted.push(line, row.line);
        } else {
            pasted.understood.repeated += 1;
        }
    }
    Ok(pasted)
}

impl<T> Pasted<T> {
    fn new(header: Option<&Row>, columns: &[(Role, usize)]) -> Self {
        let heading = |at: usize| header.map(|header| shown(header.cell(at))).unwrap_or_default();
        let used = columns.iter().map(|(role, at)| (*role, heading(*at))).collect();
        let cells = header.map(|header| header.cells.iter().enumerate()).into_iter().flatten();
        let left_out = cells
            .filter(|(at, cell)| !cell.is_empty() && columns.iter().all(|(_, one)| one != at))
            .map(|(_, cell)| shown(cell))
            .take(LEFT_OUT_MAX)
            .collect();
        let understood = Understood { used, left_out, ..Understood::default() };
        Self { items: Vec::new(), lines: Vec::new(), understood }
    }

    fn push(&mut self, item: T, line: u32) {
        self.items.push(item);
        self.lines.push(line);
        self.understood.count += 1;
    }
}

fn shown(heading: &str) -> String {
    heading.chars().take(HEADING_CHARS_MAX).collect()
}

/// What separates cells: a tab anywhere, else what makes the first line a header, else the first of `plain` there is.
fn separator(text: &str, known: &impl Fn(&str) -> bool, plain: &[char]) -> Option<char> {
    if text.contains('\t') {
        return Some('\t');
    }
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    let heads = |one: &char| first.contains(*one) && first.split(*one).any(known);
    let by_header = SEPARATORS.iter().find(|one| heads(one));
    by_header.or_else(|| plain.iter().find(|one| text.contains(**one))).copied()
}

/// The cells of a line, trimmed.
struct Row {
    line: u32,
    cells: Vec<String>,
}

impl Row {
    fn cell(&self, at: usize) -> &str {
        self.cells.get(at).map_or("", String::as_str)
    }
}

/// Lines with something in them.
struct Table(Vec<Row>);

impl Table {
    fn read(text: &str, separator: Option<char>) -> Result<Self, PasteFault> {
        // Counted before anything is taken apart: a row takes many times the memory of the line it stands on.
        let lines = text.lines().count();
        let separators = separator.map_or(0, |one| text.matches(one).count());
        if lines > LINES_MAX || lines + separators > CELLS_MAX {
            return Err(PasteFault::TooLong);
        }
        let mut reading = Reading { chars: text.chars().peekable(), line: 1, separator };
        let mut rows = Vec::new();
        while let Some(row) = reading.row()? {
            if row.cells.iter().any(|cell| !cell.is_empty()) {
                rows.push(row);
            }
        }
        Ok(Self(rows))
    }

    /// The header, if the first line is one, and the others.
    fn split(&self, known: &impl Fn(&str) -> bool) -> Result<(Option<&Row>, &[Row]), PasteFault> {
        match self.0.split_first() {
            Some((header, rows)) if header.cells.iter().any(|cell| known(cell)) => {
                let width = header.cells.len();
                let wide = |row: &&Row| row.cells.iter().skip(width).any(|cell| !cell.is_empty());
                let too_wide = rows.iter().find(wide).map(|row| PasteFault::TooWide(row.line));
                too_wide.map_or(Ok((Some(header), rows)), Err)
            }
            _ => Ok((None, &self.0)),
        }
    }

    /// Columns with something in them, up to the last.
    fn width(&self) -> usize {
        let last = |row: &Row| row.cells.iter().rposition(|cell| !cell.is_empty());
        self.0.iter().filter_map(last).max().map_or(0, |last| last + 1)
    }

    /// Makes a row of every name, whatever stands between them.
    fn one_a_line(&mut self) -> Result<(), PasteFault> {
        let rows = std::mem::take(&mut self.0);
        let row = |line: u32, name: &str| Row { line, cells: vec![trimmed(name).to_owned()] };
        for Row { line, cells } in &rows {
            let names = cells.iter().flat_map(|cell| cell.split(SEPARATORS));
            let found = names.map(|name| row(*line, name)).filter(|row| !row.cell(0).is_empty());
            self.0.extend(found.take(LINES_MAX + 1));
            if self.0.len() > LINES_MAX {
                return Err(PasteFault::TooLong);
            }
        }
        Ok(())
    }
}

/// A text on its way to rows.
struct Reading<'t> {
    chars: std::iter::Peekable<std::str::Chars<'t>>,
    line: u32,
    separator: Option<char>,
}

impl Reading<'_> {
    fn row(&mut self) -> Result<Option<Row>, PasteFault> {
        if self.chars.peek().is_none() {
            return Ok(None);
        }
        let (line, mut cells) = (self.line, Vec::new());
        loop {
            cells.push(self.cell()?);
            match self.chars.next() {
                Some(one) if Some(one) == self.separator => {}
                Some(_) => {
                    self.line += 1;
                    return Ok(Some(Row { line, cells }));
                }
                None => return Ok(Some(Row { line, cells })),
            }
        }
    }

    /// Up to, and without, the separator or the end of the line. A spreadsheet puts quotes around a cell that has
    /// quotes, separators or lines in it.
    fn cell(&mut self) -> Result<String, PasteFault> {
        let (mut text, begun) = (String::new(), self.line);
        if self.chars.next_if_eq(&'"').is_some() {
            loop {
                match self.chars.next().ok_or(PasteFault::QuoteNotClosed(begun))? {
                    '"' if self.chars.next_if_eq(&'"').is_none() => break,
                    one => {
                        self.line += u32::from(one == '\n');
                        text.push(one);
                    }
                }
            }
        }
        let separator = self.separator;
        while let Some(one) = self.chars.next_if(|one| *one != '\n' && Some(*one) != separator) {
            text.push(one);
        }
        Ok(trimmed(&text).to_owned())
    }
}

/// White space and the marks that spreadsheets and web pages leave where nobody sees them.
fn trimmed(text: &str) -> &str {
    let unseen = |one: char| one.is_whitespace() || matches!(one, '\u{feff}' | '\u{200b}');
    text.trim_matches(unseen)
}
