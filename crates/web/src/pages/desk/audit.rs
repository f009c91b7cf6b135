//! The audit log: who did what, on what, when, newest first, in words.
//! It only reads, and reading it is in it.

use crate::{
    cold::{Asked, COMMAND_LINE, blocking},
    envelope::{Problem, Reply},
    pages::{
        Pages,
        frame::{Frame, personal},
    },
};
use askama::Template;
use axum::Router;
use sale::{AuditRecord, TimeMs};

/// Entries on a page.
const ON_A_PAGE: u32 = 50;

/// What actions are called: the action as the log has it, English, Chinese.
const ACTIONS: [(&str, &str, &str); 17] = [
    ("admin/act/import", "created", "新建活动"),
    ("admin/act/import?update=1", "edited", "修改活动"),
    ("admin/codes/import", "added codes to", "追加兑换码"),
    ("admin/act/pause", "paused", "暂停"),
    ("admin/act/resume", "resumed", "继续"),
    ("admin/act/close", "closed for good", "永久关闭"),
    ("admin/act/refill", "changed the units of", "补充或收回库存"),
    ("admin/act/list", "listed the activities", "查看活动列表"),
    ("admin/act/stats", "read the counts of", "查看统计"),
    ("admin/act/live", "opened the live screen of", "打开实时页面"),
    ("admin/order/find", "searched for a person or an order", "查找人员或订单"),
    ("admin/audit", "read the audit log", "查看操作记录"),
    ("admin/export", "exported", "导出"),
    ("admin/sessions", "vouched for people", "为用户担保登录"),
    ("admin/rehearse", "rehearsed a copy of", "用副本演练"),
    ("admin/rehearse/stop", "gave up the rehearsal of", "停止演练"),
    ("user/add", "added people", "添加用户"),
];

/// The routes of the log.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/desk/audit"), pages.get(audit))
}

#[derive(Template)]
#[template(path = "desk/audit.html")]
struct Audit {
    f: Frame,
    rows: Vec<Row>,
    zone: String,
    /// Whether this is not the first page.
    later: bool,
    /// The number that the next page ends before.
    before: Option<u64>,
}

struct Row {
    at: String,
    who: String,
    action: String,
    target: String,
    /// Whether the target is an activity that is there.
    is_act: bool,
    detail: String,
}

impl Row {
    fn new(asked: &Asked, record: &AuditRecord) -> Self {
        let entry = &record.entry;
        let page = page_of(&entry.action);
        let target = if entry.target.is_empty() { page.unwrap_or_default() } else { &entry.target };
        Self {
            at: asked.app.settings.pages.zone().plain(TimeMs(entry.at.0)),
            who: who(asked, &entry.who),
            action: action(asked, &entry.action),
            target: target.to_owned(),
            is_act: asked.app.sale.catalog().by_id(target).is_some(),
            detail: detail(asked, &entry.detail),
        }
    }
}

/// Who it was; those who used the control socket have no name.
fn who(asked: &Asked, who: &str) -> String {
    let name = if who == COMMAND_LINE { asked.language.pick(who, "（命令行）") } else { who };
    name.to_owned()
}

/// What an action is called; one without a name here keeps its own.
fn action(asked: &Asked, action: &str) -> String {
    let known = ACTIONS.iter().find(|(name, ..)| *name == action);
    match known {
        Some((_, en, zh)) => asked.language.pick(*en, *zh).to_owned(),
        None if page_of(action).is_some() => {
            asked.language.pick("a page of the desk", "工作台页面").to_owned()
        }
        None => action.to_owned(),
    }
}

/// The activity in the path of a page of the desk that was refused: `zh/desk/act/ID/pause`; nothing for a call.
fn page_of(action: &str) -> Option<&str> {
    let (_, rest) = action.split_once("/desk").filter(|(root, _)| matches!(*root, "zh" | "en"))?;
    Some(rest.strip_prefix("/act/").and_then(|rest| rest.split('/').next()).unwrap_or_default())
}

/// Particulars; the ones that say how a call ended are put into words.
fn detail(asked: &Asked, detail: &str) -> String {
    let pick = |en: &str, zh: &str| asked.language.pick(en, zh).to_owned();
    match detail.strip_prefix("ret ") {
        Some(ret) => format!("{} {ret}", pick("did nothing:", "未执行：")),
        None if detail == "was so already" => pick("was so already", "原本就是如此"),
        None => detail.to_owned(),
    }
}

async fn audit(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let before = asked.params()?.number("before", 1, u64::MAX)?;
    asked.audit(&operator, "admin/audit", "", String::new());
    blocking(move || {
        let ledger = asked.app.sale.ledger();
        let read = ledger.read_audit(before, ON_A_PAGE + 1).map_err(|fault| {
            tracing::warn!(%fault, "the audit log could not be read");
            Problem::Busy
        })?;
        let more = read.len() > ON_A_PAGE as usize;
        let shown = &read[..read.len().min(ON_A_PAGE as usize)];
        let page = Audit {
            f: Frame::of(&asked),
            rows: shown.iter().map(|record| Row::new(&asked, record)).collect(),
            zone: asked.app.settings.pages.zone().name(),
            later: before.is_some(),
            before: shown.last().filter(|_| more).map(|last| last.no),
        };
        Ok(personal(&asked, &page))
    })
    .await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_was_refused_is_known_by_its_path() {
        let table = [
            ("zh/desk/act/movie/pause", Some("movie")),
            ("en/desk/act/movie", Some("movie")),
            ("en/desk/find", Some("")),
            ("en/desk", Some("")),
            ("admin/desk", None),
            ("admin/act/pause", None),
        ];
        for (action, expected) in table {
            assert_eq!(page_of(action), expected, "{action}");
        }
    }
}
