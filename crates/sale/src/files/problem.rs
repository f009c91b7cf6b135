//! What was found wrong in a file, where, and why, in the reader's language.
//! A problem never shows a code or a password: its value is then only an ellipsis.

use super::update::Difference;
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;

/// Characters of a value or a key that a problem shows; the rest is an ellipsis.
const SHOWN_CHARS_MAX: usize = 80;

/// What stands in a problem for the value of a secret.
pub(super) const HIDDEN: &str = "…";

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named, or what the bytes were.
    pub file: Arc<str>,
    /// From 1; `None` where the format does not tell.
    pub line: Option<u32>,
    /// The path of a key (`activity[0].ticket[1].stock`), or a column; empty for the whole file.
    pub key: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if self.key.is_empty() { Ok(()) } else { write!(f, ": {}", self.key) }
    }
}

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file as it was named, or what the bytes were.
    pub file: Arc<str>,
    /// From 1; `None` where the format does not tell.
    pub line: Option<u32>,
    /// The path of a key, or a column; empty for the whole file.
    pub key: String,
    /// What stands there, cut to a bound; empty where nothing stands, `…` for codes and passwords.
    pub value: String,
    /// Why it cannot be taken.
    pub reason: Reason,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.en())
    }
}

impl Problem {
    /// A problem whose key and value are cut to what is shown, without control characters.
    pub(super) fn new(place: Place, value: &str, reason: Reason) -> Self {
        Self {
            file: place.file,
            line: place.line,
            key: shown(&place.key),
            value: shown(value),
            reason,
        }
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        Place { file: Arc::clone(&self.file), line: self.line, key: self.key.clone() }
    }

    /// One line in English.
    pub fn en(&self) -> String {
        self.told(&self.reason.en())
    }

    /// One line in Chinese.
    pub fn zh(&self) -> String {
        self.told(&self.reason.zh())
    }

    fn told(&self, reason: &str) -> String {
        let value = if self.value.is_empty() { "" } else { " = " };
        format!("{}{value}{}: {reason}", self.place(), self.value)
    }
}

/// The text as a terminal or page may show it.
pub(super) fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let mut cut: String = chars
        .by_ref()
        .take(SHOWN_CHARS_MAX)
        .map(|one| if one.is_control() { char::REPLACEMENT_CHARACTER } else { one })
        .collect();
    if chars.next().is_some() {
        cut.push('…');
    }
    cut
}

/// What a value should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Keys with values.
    Table,
    /// A list of tables.
    Tables,
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A time.
    Time,
    /// A decimal as a text.
    Amount,
    /// A path or a list.
    PathOrList,
    /// A name, or a table with one.
    NameOrTable,
}

impl Expected {
    /// In English.
    const fn en(self) -> &'static str {
        match self {
            Self::Table => "a table of keys",
            Self::Tables => "a list of tables",
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::Time => "a time with its offset (2026-12-01T10:00:00+08:00) or unix seconds",
            Self::Amount => "a decimal amount as a text, such as \"9.90\"",
            Self::PathOrList => "a path or a list of texts",
            Self::NameOrTable => "a name, or a table with name, display_name and department",
        }
    }

    /// In Chinese.
    const fn zh(self) -> &'static str {
        match self {
            Self::Table => "一组键值",
            Self::Tables => "由表组成的列表",
            Self::Text => "文本",
            Self::Integer => "整数",
            Self::Boolean => "true 或 false",
            Self::Time => "带时区的时间（如 2026-12-01T10:00:00+08:00）或 unix 秒数",
            Self::Amount => "以文本书写的十进制金额，如 \"9.90\"",
            Self::PathOrList => "文件路径或文本列表",
            Self::NameOrTable => "姓名，或含 name、display_name、department 的表",
        }
    }
}

/// Why a file, or something in it, cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The file cannot be read.
    Unreadable(ErrorKind),
    /// The file is larger than this many bytes.
    FileTooLarge {
        /// The bound.
        bytes_max: u64,
    },
    /// The name ends in neither `.toml` nor `.json`.
    UnknownExtension,
    /// An activity file must be UTF-8, and this line is not.
    NotUtf8,
    /// A text that is valid in none of the encodings that are understood.
    BrokenEncoding,
    /// Not a text at all: a spreadsheet or another binary file.
    Binary,
    /// The format's own parser refuses it.
    Syntax {
        /// What the parser says; it never quotes the file.
        detail: String,
    },
    /// A key nobody knows.
    UnknownKey {
        /// The known key that looks most like it.
        nearest: Option<&'static str>,
    },
    /// The key stands here for the second time.
    KeyTwice,
    /// A key that is needed is not there.
    Missing,
    /// Something of another kind stands here.
    WrongType(Expected),
    /// Nothing stands here.
    Empty,
    /// More bytes of UTF-8 than allowed.
    TooLong {
        /// The bound.
        bytes_max: usize,
    },
    /// Holds a control character.
    ControlCharacter,
    /// An id has other characters than letters, digits, `-` and `_`.
    NotAnId,
    /// A number outside its bounds.
    OutOfBounds {
        /// The least allowed.
        min: u32,
        /// The most allowed.
        max: u32,
    },
    /// More elements or rows than allowed.
    TooMany {
        /// The bound.
        max: u32,
    },
    /// A time that does not say its offset from UTC.
    TimeWithoutOffset,
    /// A text that is no time.
    NotATime,
    /// A time before the year 2000 or after 2199.
    TimeOutOfRange,
    /// Must be later than another key.
    NotAfter {
        /// The other key.
        other: &'static str,
    },
    /// A ticket type's own window reaches out of its activity's.
    OutsideActivity,
    /// Not three capital letters.
    Currency,
    /// Not digits with at most one point.
    Amount,
    /// More decimals than the currency has.
    Precision,
    /// Costs something in another currency than what stands before it in its activity.
    OtherCurrency {
        /// What stands before it.
        first: Place,
    },
    /// Both `stock` and `codes`.
    StockAndCodes,
    /// Neither `stock` nor `codes`.
    StockOrCodes,
    /// A path where only lists are taken.
    PathNotAllowed,
    /// The same id, code or name stands here for the second time.
    Repeated {
        /// Where it stands first.
        first: Place,
    },
    /// An activity with this id exists already.
    IdExists,
    /// The code is in the ledger already.
    CodeExists,
    /// Differs from what the ledger has, and an update may not change it.
    NotChangeable {
        /// The id of the activity.
        activity: String,
        /// How it differs.
        difference: Difference,
    },
    /// The activity that is to be changed is closed for good.
    ActivityClosed,
    /// The header lacks a column that is needed.
    MissingColumn {
        /// Its name.
        column: &'static str,
    },
    /// The header has a column twice.
    ColumnTwice,
    /// The header has a column that looks like a misspelt one.
    UnknownColumn {
        /// The column probably meant.
        nearest: &'static str,
    },
    /// A row with more cells than the header has columns.
    RowTooLong {
        /// Columns of the header.
        columns: u32,
    },
    /// A quoted cell that never ends.
    QuoteNotClosed,
    /// A file or list with a header at most.
    NoRows,
    /// A text that is none of the allowed ones.
    NotOneOf {
        /// The allowed ones.
        choices: &'static [&'static str],
    },
    /// Problems left out of the report.
    MoreProblems {
        /// How many.
        count: u32,
    },
}

impl Reason {
    /// In English.
    pub fn en(&self) -> String {
        match self {
            Self::Unreadable(kind) => format!("the file cannot be read: {kind}"),
            Self::FileTooLarge { bytes_max } => format!("larger than {bytes_max} bytes"),
            Self::UnknownExtension => "an activity file ends in .toml or .json".into(),
            Self::NotUtf8 => "this line is not valid UTF-8".into(),
            Self::BrokenEncoding => "this line is broken in UTF-8, GBK or UTF-16".into(),
            Self::Binary => "this is not a text file; save the spreadsheet as CSV".into(),
            Self::Syntax { detail } => format!("cannot be parsed: {detail}"),
            Self::UnknownKey { nearest: Some(key) } => format!("unknown key; did you mean {key}?"),
            Self::UnknownKey { nearest: None } => "unknown key".into(),
            Self::KeyTwice => "the key stands here twice".into(),
            Self::Missing => "is needed and missing".into(),
            Self::WrongType(expected) => format!("must be {}", expected.en()),
            Self::Empty => "must not be empty".into(),
            Self::TooLong { bytes_max } => format!("longer than {bytes_max} bytes"),
            Self::ControlCharacter => "holds a control character".into(),
            Self::NotAnId => "an id has only letters, digits, - and _".into(),
            Self::OutOfBounds { min, max } => format!("must be from {min} to {max}"),
            Self::TooMany { max } => format!("more than {max}"),
            Self::TimeWithoutOffset => {
                "a time needs its offset from UTC, such as 2026-12-01T10:00:00+08:00".into()
            }
            Self::NotATime => "is no time; write 2026-12-01T10:00:00+08:00".into(),
            Self::TimeOutOfRange => "a time must lie in the years 2000 to 2199".into(),
            Self::NotAfter { other } => format!("must be later than {other}"),
            Self::OutsideActivity => "the window reaches out of the activity's".into(),
            Self::Currency => "a currency is three capital letters, such as CNY".into(),
            Self::Amount => "an amount is digits with at most one point, such as 9.90".into(),
            Self::Precision => "more decimals than the currency has".into(),
            Self::OtherCurrency { first } => {
                format!("all that costs something in an activity is in one currency; see {first}")
            }
            Self::StockAndCodes => "give stock or codes, not both".into(),
            Self::StockOrCodes => "give either stock or codes".into(),
            Self::PathNotAllowed => {
                "a path is only possible on the command line; give a list".into()
            }
            Self::Repeated { first } => format!("stands already at {first}"),
            Self::IdExists => "an activity with this id exists already".into(),
            Self::CodeExists => "this code is in the ledger already".into(),
            Self::NotChangeable { activity, difference } => {
                format!("activity {activity}: {}", difference.en())
            }
            Self::ActivityClosed => "the activity is closed for good".into(),
            Self::MissingColumn { column } => format!("the header has no column {column}"),
            Self::ColumnTwice => "the header has this column twice".into(),
            Self::UnknownColumn { nearest } => format!("unknown column; did you mean {nearest}?"),
            Self::RowTooLong { columns } => {
                format!("more cells than the {columns} of the header; quote cells with commas")
            }
            Self::QuoteNotClosed => "a quoted cell begins here and never ends".into(),
            Self::NoRows => "holds nothing".into(),
            Self::NotOneOf { choices } => format!("must be one of: {}", choices.join(", ")),
            Self::MoreProblems { count } => format!("{count} more problems are not shown"),
        }
    }

    /// In Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::Unreadable(kind) => format!("无法读取文件：{kind}"),
            Self::FileTooLarge { bytes_max } => format!("超过 {bytes_max} 字节"),
            Self::UnknownExtension => "活动文件的扩展名须为 .toml 或 .json".into(),
            Self::NotUtf8 => "此行不是有效的 UTF-8".into(),
            Self::BrokenEncoding => "此行按 UTF-8、GBK、UTF-16 均无法解码".into(),
            Self::Binary => "这不是文本文件；请将表格另存为 CSV".into(),
            Self::Syntax { detail } => format!("无法解析：{detail}"),
            Self::UnknownKey { nearest: Some(key) } => format!("未知的键；是否想写 {key}？"),
            Self::UnknownKey { nearest: None } => "未知的键".into(),
            Self::KeyTwice => "此键重复出现".into(),
            Self::Missing => "必须填写".into(),
            Self::WrongType(expected) => format!("应为{}", expected.zh()),
            Self::Empty => "不能为空".into(),
            Self::TooLong { bytes_max } => format!("超过 {bytes_max} 字节"),
            Self::ControlCharacter => "含有控制字符".into(),
            Self::NotAnId => "标识只能包含字母、数字、- 和 _".into(),
            Self::OutOfBounds { min, max } => format!("应在 {min} 到 {max} 之间"),
            Self::TooMany { max } => format!("超过 {max} 个"),
            Self::TimeWithoutOffset => "时间须带时区，如 2026-12-01T10:00:00+08:00".into(),
            Self::NotATime => "不是时间；请写作 2026-12-01T10:00:00+08:00".into(),
            Self::TimeOutOfRange => "时间须在 2000 年至 2199 年之间".into(),
            Self::NotAfter { other } => format!("必须晚于 {other}"),
            Self::OutsideActivity => "场次时间超出了活动时间".into(),
            Self::Currency => "币种为三个大写字母，如 CNY".into(),
            Self::Amount => "金额由数字和至多一个小数点组成，如 9.90".into(),
            Self::Precision => "小数位数超过该币种的精度".into(),
            Self::OtherCurrency { first } => {
                format!("同一活动的收费票种须使用同一币种，与 {first} 不一致")
            }
            Self::StockAndCodes => "stock 与 codes 只能填写一个".into(),
            Self::StockOrCodes => "stock 与 codes 必须填写一个".into(),
            Self::PathNotAllowed => "文件路径只能在命令行使用；请直接给出列表".into(),
            Self::Repeated { first } => format!("与 {first} 重复"),
            Self::IdExists => "已存在使用此标识的活动".into(),
            Self::CodeExists => "此兑换码已在账本中".into(),
            Self::NotChangeable { activity, difference } => {
                format!("活动 {activity}：{}", difference.zh())
            }
            Self::ActivityClosed => "活动已永久关闭".into(),
            Self::MissingColumn { column } => format!("表头缺少 {column} 列"),
            Self::ColumnTwice => "表头中此列重复".into(),
            Self::UnknownColumn { nearest } => format!("未知的列；是否想写 {nearest}？"),
            Self::RowTooLong { columns } => {
                format!("单元格多于表头的 {columns} 列；含逗号的单元格须加引号")
            }
            Self::QuoteNotClosed => "此处开始的引号没有结束".into(),
            Self::NoRows => "没有内容".into(),
            Self::NotOneOf { choices } => format!("应为以下之一：{}", choices.join("、")),
            Self::MoreProblems { count } => format!("另有 {count} 个问题未列出"),
        }
    }
}

/// The problems of one reading, up to a bound.
#[derive(Debug)]
pub(super) struct Problems {
    list: Vec<Problem>,
    max: usize,
    /// The first one left out and how many there were.
    more: Option<(Place, u32)>,
}

impl Problems {
    /// None yet; at most `max` will be kept, and at least one.
    pub(super) fn new(max: u32) -> Self {
        Self { list: Vec::new(), max: max.max(1) as usize, more: None }
    }

    /// Adds one; beyond the bound it is only counted.
    pub(super) fn add(&mut self, place: Place, value: &str, reason: Reason) {
        if self.list.len() < self.max {
            return self.list.push(Problem::new(place, value, reason));
        }
        let (_, count) = self.more.get_or_insert((place, 0));
        *count = count.saturating_add(1);
    }

    /// How many there are, those left out included.
    pub(super) fn count(&self) -> usize {
        self.list.len() + self.more.as_ref().map_or(0, |(_, count)| *count as usize)
    }

    /// Shows no longer what stands at a problem, where `hidden` says so of it as it is shown.
    pub(super) fn hide(&mut self, hidden: impl Fn(&str) -> bool) {
        for problem in self.list.iter_mut().filter(|problem| hidden(&problem.value)) {
            problem.value = HIDDEN.to_owned();
        }
    }

    /// All that were kept, and one that says how many more there were.
    pub(super) fn into_vec(mut self) -> Vec<Problem> {
        if let Some((place, count)) = self.more {
            self.list.push(Problem::new(place, "", Reason::MoreProblems { count }));
        }
        self.list
    }
}
