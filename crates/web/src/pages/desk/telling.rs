//! What the desk says about what was typed and pasted, in both languages: at which field, on which line, and why.
//! A pasted line is named by its number and never quoted: it may hold a code.

use super::pasted::{CELLS_MAX, LINES_MAX, PasteFault, Role, Understood};
use crate::language::Language;
use sale::files::{Difference, Expected, Reason};
use std::collections::HashMap;

/// Sentences at one field; a file with a thousand wrong lines needs no thousand sentences.
const AT_A_FIELD_MAX: usize = 6;

/// What is wrong, in the order in which it was found.
#[derive(Default)]
pub struct Trouble(Vec<(String, Vec<String>)>);

impl Trouble {
    /// Nothing is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a sentence at a field; an empty name: it belongs to none. Beyond a bound it is left out.
    pub fn add(&mut self, field: &str, sentence: String) {
        let at = self.0.iter().position(|(name, _)| name == field).unwrap_or_else(|| {
            self.0.push((field.to_owned(), Vec::new()));
            self.0.len() - 1
        });
        let sentences = &mut self.0[at].1;
        if sentences.len() < AT_A_FIELD_MAX && !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }

    /// What is wrong with a field.
    pub fn of(&self, field: &str) -> &[String] {
        self.0.iter().find(|(name, _)| name == field).map_or(&[], |(_, sentences)| sentences)
    }

    /// Each field with its sentences.
    pub fn all(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(field, sentences)| (field.as_str(), sentences.as_slice()))
    }
}

/// Where a key of an activity file stands in the form.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldPlace {
    /// The field's name; empty where no field has it.
    pub field: String,
    /// The place in a list, from 0.
    pub item: Option<usize>,
}

/// `activity[0].ticket[1].codes[7]` is item 7 of the field `t1.codes`.
pub fn field_of(key: &str) -> FieldPlace {
    let none = || FieldPlace { field: String::new(), item: None };
    let Some(rest) = key.strip_prefix("activity[0].") else { return none() };
    let (prefix, rest) = match rest.strip_prefix("ticket[").and_then(|rest| rest.split_once("].")) {
        Some((at, rest)) => (format!("t{at}."), rest),
        None => (String::new(), rest),
    };
    let name = rest.split(['[', '.']).next().unwrap_or_default();
    // One field of the form stands for the currency of every type.
    let prefix = if name == "currency" { String::new() } else { prefix };
    let item = rest.split_once('[').and_then(|(_, rest)| rest.split(']').next()?.parse().ok());
    FieldPlace { field: format!("{prefix}{name}"), item }
}

/// Why something at a field cannot be, with its line where it is one of a list.
pub fn sentence(
    place: &FieldPlace,
    reason: &Reason,
    lines: &HashMap<String, Vec<u32>>,
    language: Language,
) -> String {
    let line = |place: &FieldPlace| lines.get(&place.field)?.get(place.item?).copied();
    let told = match reason {
        Reason::Repeated { first } => {
            let first = field_of(&first.key);
            let there = line(&first);
            there.map(|there| repeated(there, first.field == place.field, language))
        }
        _ => None,
    };
    let told = told.unwrap_or_else(|| why(&place.field, reason, language));
    line(place).map_or_else(|| told.clone(), |line| on_line(line, &told, language))
}

/// What a field is called; with its type's number where there are several types.
pub fn label(field: &str, types: usize, language: Language) -> String {
    let of_type = field.strip_prefix('t').and_then(|rest| rest.split_once('.'));
    let of_type = of_type.and_then(|(at, key)| Some((at.parse::<usize>().ok()?, key)));
    let (at, key) = of_type.map_or((None, field), |(at, key)| (Some(at), key));
    let (en, zh) = match key {
        "name" if at.is_some() => ("what one gets", "发放内容名称"),
        "name" => ("name", "活动名称"),
        "desc" => ("description", "说明"),
        "image" => ("picture", "图片"),
        "start_time" if at.is_some() => ("session begins", "场次开抢"),
        "start_time" => ("begins", "开始时间"),
        "end_time" if at.is_some() => ("session ends", "场次结束"),
        "end_time" => ("ends", "结束时间"),
        "limit_per_user" => ("limit a person", "每人限领"),
        "stock" => ("how many", "数量"),
        "codes" => ("codes", "兑换码"),
        "valid_from" => ("valid from", "有效期开始"),
        "valid_until" => ("valid until", "有效期结束"),
        "roster" => ("people", "名单"),
        "price" => ("price", "价格"),
        "currency" => ("currency", "币种"),
        "pay_within_s" => ("time to pay", "付款时限"),
        "offer_within_s" => ("time to pay from the line", "候补付款时限"),
        "standby" => ("waiting list", "候补"),
        "id" => ("address", "活动地址"),
        other => (other, other),
    };
    let label = language.pick(en, zh);
    match at.filter(|_| types > 1) {
        Some(at) => format!("{} {} · {label}", language.pick("type", "票种"), at + 1),
        None => label.to_owned(),
    }
}

fn repeated(line: u32, same_list: bool, language: Language) -> String {
    match (same_list, language) {
        (true, Language::En) => format!("the same stands on line {line}"),
        (true, Language::Zh) => format!("与第 {line} 行重复"),
        (false, Language::En) => format!("the same stands on line {line} of another list"),
        (false, Language::Zh) => format!("与另一列表的第 {line} 行重复"),
    }
}

fn on_line(line: u32, told: &str, language: Language) -> String {
    match language {
        Language::En => format!("line {line}: {told}"),
        Language::Zh => format!("第 {line} 行：{told}"),
    }
}

/// A reason in the words of a form, where the words of a file would name keys nobody sees.
fn why(field: &str, reason: &Reason, language: Language) -> String {
    let (en, zh) = match reason {
        Reason::Missing | Reason::Empty => ("please fill this in", "请填写此项"),
        Reason::NotAfter { other: "valid_from" } => {
            ("must be later than the beginning of the validity", "必须晚于有效期的开始")
        }
        Reason::NotAfter { .. } => ("must be later than the beginning", "必须晚于开始时间"),
        Reason::NotATime | Reason::TimeWithoutOffset | Reason::WrongType(Expected::Time) => {
            ("please write it as 2026-12-01 10:00", "请写作 2026-12-01 10:00 的形式")
        }
        Reason::Amount | Reason::Precision if field.ends_with("price") => {
            ("please write an amount such as 9.90", "请填写金额，例如 9.90")
        }
        Reason::Currency => {
            ("please write three letters such as CNY", "请填写三个字母的币种，例如 CNY")
        }
        Reason::StockOrCodes => ("please say how many there are", "请填写数量"),
        Reason::NoRows => ("no name was found here", "没有读到任何名字"),
        Reason::IdExists => (
            "another activity has this address already; choose another",
            "已有活动使用此地址，请换一个",
        ),
        Reason::CodeExists => (
            "this code has been imported before, here or in another activity",
            "此兑换码此前已导入（本活动或其他活动）",
        ),
        Reason::NotChangeable { difference: Difference::Value, .. }
            if field.ends_with("end_time") =>
        {
            ("may only become later than it is now", "只能推迟，不能提前")
        }
        other => return language.pick(other.en(), other.zh()),
    };
    language.pick(en, zh).to_owned()
}

/// What was understood of a pasted list.
pub fn understood(understood: &Understood, language: Language) -> String {
    let Understood { count, repeated, used, left_out } = understood;
    let codes = used.iter().any(|(role, _)| *role == Role::Code);
    let mut told = match (codes, language) {
        (true, Language::En) => format!("{count} codes"),
        (true, Language::Zh) => format!("{count} 个兑换码"),
        (false, Language::En) => format!("{count} names"),
        (false, Language::Zh) => format!("{count} 个名字"),
    };
    let columns = columns(used, language);
    let more = [
        (!columns.is_empty()).then_some(columns),
        (!left_out.is_empty()).then(|| match language {
            Language::En => format!("not used: {}", left_out.join(", ")),
            Language::Zh => format!("未使用的列：{}", left_out.join("、")),
        }),
        (*repeated > 0).then(|| match language {
            Language::En => format!("{repeated} stood twice and count once"),
            Language::Zh => format!("{repeated} 个重复，只计一次"),
        }),
    ];
    for part in more.into_iter().flatten() {
        told.push_str(language.pick("; ", "；"));
        told.push_str(&part);
    }
    told
}

/// Which column is what: by its header, or by its number where there are several without one.
fn columns(used: &[(Role, String)], language: Language) -> String {
    let several = used.len() > 1;
    let column = |(at, (role, heading)): (usize, &(Role, String))| {
        let label = role.label(language);
        match (heading.is_empty(), language) {
            (true, Language::En) => format!("column {} is the {label}", at + 1),
            (true, Language::Zh) => format!("第 {} 列为{label}", at + 1),
            (false, Language::En) => format!("“{heading}” is the {label}"),
            (false, Language::Zh) => format!("“{heading}”列为{label}"),
        }
    };
    let said = used.iter().enumerate().filter(|(_, (_, heading))| several || !heading.is_empty());
    said.map(column).collect::<Vec<_>>().join(language.pick(", ", "，"))
}

/// Why nothing could be made of a pasted list, and what to do.
pub fn paste_fault(fault: &PasteFault, language: Language) -> String {
    match (fault, language) {
        (PasteFault::QuoteNotClosed(line), Language::En) => {
            format!("line {line}: a quotation mark begins here and never ends")
        }
        (PasteFault::QuoteNotClosed(line), Language::Zh) => {
            format!("第 {line} 行：此处开始的引号没有结束")
        }
        (PasteFault::WhichColumn(count), Language::En) => format!(
            "there are {count} columns and none is called “code”: paste the column of codes alone, or with \
             the header line"
        ),
        (PasteFault::WhichColumn(count), Language::Zh) => format!(
            "共有 {count} 列，没有名为“兑换码”的一列：请只粘贴兑换码这一列，或连同表头一起粘贴"
        ),
        (PasteFault::TwoColumns(one, other), Language::En) => {
            format!("“{one}” and “{other}” may both be meant: leave one of the columns out")
        }
        (PasteFault::TwoColumns(one, other), Language::Zh) => {
            format!("“{one}”与“{other}”两列都有可能：请去掉其中一列")
        }
        (PasteFault::NoNames, Language::En) => {
            "the header has no column of names; call one “name”".to_owned()
        }
        (PasteFault::NoNames, Language::Zh) => "表头中没有名字一列，请将其命名为“姓名”".to_owned(),
        (PasteFault::TooWide(line), Language::En) => {
            format!("line {line}: more cells than the header has")
        }
        (PasteFault::TooWide(line), Language::Zh) => format!("第 {line} 行：单元格多于表头"),
        (PasteFault::TooLong, Language::En) => format!(
            "the list is longer than {LINES_MAX} lines or {CELLS_MAX} cells: send it in several parts"
        ),
        (PasteFault::TooLong, Language::Zh) => {
            format!("列表超过 {LINES_MAX} 行或 {CELLS_MAX} 个单元格：请分几次提交")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_file_has_its_field() {
        let table = [
            ("activity[0].name", "name", None),
            ("activity[0].roster[3].name", "roster", Some(3)),
            ("activity[0].ticket[1].codes[70]", "t1.codes", Some(70)),
            ("activity[0].ticket[12].stock", "t12.stock", None),
            ("activity[0].ticket[12].currency", "currency", None),
            ("activity[0].ticket", "ticket", None),
            ("activity[1].name", "", None),
            ("", "", None),
        ];
        for (key, field, item) in table {
            assert_eq!(field_of(key), FieldPlace { field: field.into(), item }, "{key}");
        }
    }

    #[test]
    fn an_item_of_a_list_is_told_by_its_line() {
        let lines = HashMap::from([("t0.codes".to_owned(), vec![2, 3, 9])]);
        let place = field_of("activity[0].ticket[0].codes[2]");
        let first = sale::files::Place {
            file: "".into(),
            line: None,
            key: "activity[0].ticket[0].codes[0]".into(),
        };
        let told = |reason: &Reason| sentence(&place, reason, &lines, Language::Zh);
        assert_eq!(told(&Reason::Repeated { first }), "第 9 行：与第 2 行重复");
        assert_eq!(told(&Reason::ControlCharacter), "第 9 行：含有控制字符");
    }

    #[test]
    fn what_was_understood_names_columns_and_what_was_left_out() {
        let said = |text: &str| {
            understood(&super::super::pasted::roster(text).ok().unwrap().understood, Language::Zh)
        };
        assert_eq!(said("张三\n李四"), "2 个名字");
        assert_eq!(
            said("姓名\t工号\t手机\n张三\t1\t138\n张三\t1\t138"),
            "1 个名字；“工号”列为登录名，“姓名”列为显示名；未使用的列：手机；1 个重复，只计一次"
        );
        assert_eq!(said("张三\t技术部\n李四\t人事部"), "2 个名字；第 1 列为登录名，第 2 列为部门");
    }
}
