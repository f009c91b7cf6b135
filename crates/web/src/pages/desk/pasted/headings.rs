//! What columns are called in spreadsheets, in Chinese and English, and what each is then taken for.
//! Two columns that may both be the codes, or both the names, are a question and never a guess.

use super::{PasteFault, shown};
use crate::language::Language;

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Redemption codes.
    Code,
    /// What people sign in with.
    Name,
    /// What is shown beside it.
    DisplayName,
    /// Where they work.
    Department,
}

impl Role {
    /// The roles of a roster.
    pub const OF_ROSTER: [Self; 3] = [Self::Name, Self::DisplayName, Self::Department];
    /// What columns without a header are, by their number; more than three are left out.
    pub const OF_PLAIN_ROSTER: [&'static [Self]; 4] = [
        &[Self::Name],
        &[Self::Name],
        &[Self::Name, Self::Department],
        &[Self::Name, Self::DisplayName, Self::Department],
    ];

    /// What it is called.
    pub fn label(self, language: Language) -> &'static str {
        let (en, zh) = match self {
            Self::Code => ("code", "兑换码"),
            Self::Name => ("sign-in name", "登录名"),
            Self::DisplayName => ("shown name", "显示名"),
            Self::Department => ("department", "部门"),
        };
        language.pick(en, zh)
    }

    fn words(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Code => &[&CODE, &CODE_PERHAPS],
            Self::Name => &[&ACCOUNT, &NAME],
            Self::DisplayName => &[&DISPLAY_NAME],
            Self::Department => &[&DEPARTMENT],
        }
    }
}

const CODE: [&str; 27] = [
    "code",
    "codes",
    "兑换码",
    "激活码",
    "券码",
    "卡密",
    "优惠码",
    "优惠券码",
    "提货码",
    "取票码",
    "取货码",
    "核销码",
    "邀请码",
    "礼品码",
    "redemptioncode",
    "redeemcode",
    "couponcode",
    "promocode",
    "vouchercode",
    "activationcode",
    "giftcode",
    "giftcardcode",
    "cdkey",
    "cdk",
    "key",
    "兑换券码",
    "兑换编码",
];
/// Taken where no column is called one of the above.
const CODE_PERHAPS: [&str; 8] =
    ["序列号", "卡号", "编码", "券号", "serial", "serialnumber", "voucher", "coupon"];
const ACCOUNT: [&str; 24] = [
    "账号",
    "帐号",
    "账户",
    "用户名",
    "登录名",
    "登陆名",
    "工号",
    "员工号",
    "员工编号",
    "员工工号",
    "职工号",
    "学号",
    "username",
    "user",
    "userid",
    "login",
    "account",
    "staffnumber",
    "staffno",
    "staffid",
    "employeeid",
    "employeenumber",
    "employeeno",
    "signinname",
];
const NAME: [&str; 10] =
    ["name", "names", "姓名", "名字", "员工姓名", "员工", "人员", "名单", "fullname", "员工名字"];
const DISPLAY_NAME: [&str; 8] =
    ["displayname", "shownname", "显示名", "显示名称", "昵称", "nickname", "真实姓名", "realname"];
const DEPARTMENT: [&str; 13] = [
    "department",
    "dept",
    "部门",
    "所属部门",
    "部门名称",
    "team",
    "团队",
    "小组",
    "单位",
    "所在单位",
    "学院",
    "班级",
    "division",
];

/// Whether a cell is the header of one of these.
pub fn is_heading(cell: &str, roles: &[Role]) -> bool {
    roles.iter().any(|role| role.words().iter().any(|words| is_one_of(cell, words)))
}

/// `姓名/Name`, `兑换码（必填）`, `Display_Name *`: any of its parts is one of the words.
fn is_one_of(cell: &str, words: &[&str]) -> bool {
    let parts = cell.split(['/', '|', '(', ')', '（', '）', '[', ']', '【', '】', '\n']);
    let plain = |part: &str| -> String {
        let kept = part.chars().filter(|one| !one.is_whitespace() && !"_-*＊:：.#".contains(*one));
        kept.flat_map(char::to_lowercase).collect()
    };
    parts.map(plain).any(|part| words.contains(&&*part))
}

/// The one column that is called one of these, if any is.
fn column(cells: &[String], words: &[&str]) -> Result<Option<usize>, PasteFault> {
    let mut found = cells.iter().enumerate().filter(|(_, cell)| is_one_of(cell, words));
    match (found.next(), found.next()) {
        (Some((_, one)), Some((_, other))) => Err(PasteFault::TwoColumns(shown(one), shown(other))),
        (first, _) => Ok(first.map(|(at, _)| at)),
    }
}

/// The column of codes.
pub fn code_column(cells: &[String]) -> Result<usize, PasteFault> {
    let sure = column(cells, &CODE)?;
    let found = if sure.is_some() { sure } else { column(cells, &CODE_PERHAPS)? };
    found.ok_or(PasteFault::WhichColumn(cells.len()))
}

/// The columns of a roster. Where people have an account or a number, that is what they sign in with, and their name is
/// what is shown.
pub fn roster_columns(cells: &[String]) -> Result<Vec<(Role, usize)>, PasteFault> {
    let (account, named) = (column(cells, &ACCOUNT)?, column(cells, &NAME)?);
    let name = account.or(named).ok_or(PasteFault::NoNames)?;
    let display = column(cells, &DISPLAY_NAME)?.or(named.filter(|at| *at != name));
    let department = column(cells, &DEPARTMENT)?.filter(|at| *at != name);
    let mut columns = vec![(Role::Name, name)];
    columns.extend(display.map(|at| (Role::DisplayName, at)));
    columns.extend(department.map(|at| (Role::Department, at)));
    Ok(columns)
}
