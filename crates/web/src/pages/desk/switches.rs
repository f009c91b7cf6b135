//! Pause, resume, refill and close: each says what it will do and what it will not, on a page of its own, and only the
//! button there does it. Sent twice, it is done once.

use crate::{
    cold::{Asked, Takes, blocking, desk_problem},
    envelope::{Problem, Reply},
    hot::is_key,
    pages::{
        Pages,
        frame::{Frame, personal, see_other, to, with_status},
    },
};
use askama::Template;
use axum::Router;
use http::StatusCode;
use sale::{DeskRefused, Entry, Operator, OperatorKey, Supply, UnitKind};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// What was done, by the name in the address that its operator is sent back to.
pub const DONE: [(&str, &str, &str); 5] = [
    ("paused", "It is paused: nobody can claim now.", "已暂停：现在无法抢。"),
    ("resumed", "It goes on: claims are taken again.", "已继续：可以抢了。"),
    ("closed", "It is closed for good.", "已永久关闭。"),
    ("added", "Units added: {n}. They are on sale now.", "已补充 {n} 份，现在就可以抢。"),
    ("taken-back", "Units taken back: {n}.", "已收回 {n} 份。"),
];

/// A text in English and Chinese.
type Words = (&'static str, &'static str);

/// The routes of the switches.
pub fn routes(pages: &Pages<'_>) -> Router {
    let path = |name: &str| pages.path(&format!("/desk/act/{{id}}/{name}"));
    let mut router =
        Router::new().route(&path("refill"), pages.form(Takes::Little, refill_form, refill));
    for switch in [Switch::Pause, Switch::Resume, Switch::Close] {
        let form = pages.form(
            Takes::Little,
            move |asked| confirm(asked, switch.words()),
            move |asked| done(asked, switch.words()),
        );
        router = router.route(&path(switch.words().name), form);
    }
    router
}

#[derive(Clone, Copy)]
enum Switch {
    Pause,
    Resume,
    Close,
}

/// What a page that asks once more says.
struct Asks {
    switch: Option<Switch>,
    /// The end of its address.
    name: &'static str,
    /// As [`DONE`] has it.
    done: &'static str,
    title: Words,
    does: &'static [Words],
    does_not: &'static [Words],
    button: Words,
    /// What has to be ticked first.
    sure: Option<Words>,
}

const PAUSE: Asks = Asks {
    switch: Some(Switch::Pause),
    name: "pause",
    done: "paused",
    title: ("Pause the sale?", "暂停活动？"),
    does: &[
        (
            "From now on nobody can claim; whoever presses hears that it is paused.",
            "从现在起无人能抢；点击的人会看到“已暂停”。",
        ),
        ("You can resume it at any moment.", "您可以随时继续。"),
    ],
    does_not: &[
        ("People who have a ticket keep it.", "已抢到的票不受影响。"),
        (
            "The end does not move: a pause makes the sale shorter.",
            "结束时间不变：暂停会缩短活动时间。",
        ),
    ],
    button: ("Pause", "暂停"),
    sure: None,
};

const RESUME: Asks = Asks {
    switch: Some(Switch::Resume),
    name: "resume",
    done: "resumed",
    title: ("Resume the sale?", "继续活动？"),
    does: &[(
        "Claims are taken again at once, in the order in which people ask.",
        "立即恢复，按请求先后发放。",
    )],
    does_not: &[
        (
            "Who asked during the pause has no place in a queue; everybody asks anew.",
            "暂停期间点击的人不会排队，需要重新抢。",
        ),
        ("The end has not moved.", "结束时间没有变。"),
    ],
    button: ("Resume", "继续"),
    sure: None,
};

const CLOSE: Asks = Asks {
    switch: Some(Switch::Close),
    name: "close",
    done: "closed",
    title: ("Close the sale for good?", "永久关闭活动？"),
    does: &[
        (
            "Nobody can claim any more, whatever the end time says.",
            "之后无人能抢，无论原定何时结束。",
        ),
        (
            "This cannot be undone: it cannot be opened again, and no units or codes can be added.",
            "无法撤销：不能重新开放，也不能再补充库存或兑换码。",
        ),
    ],
    does_not: &[
        (
            "People who have a ticket keep it, and it stays as valid as it is.",
            "已抢到的票不受影响，有效期不变。",
        ),
        (
            "Nothing is deleted: tickets, exports and the audit log stay.",
            "不会删除任何数据：票、导出和操作记录都保留。",
        ),
    ],
    button: ("Close for good", "永久关闭"),
    sure: Some(("I know that this is final", "我知道此操作无法撤销")),
};

const REFILL: Asks = Asks {
    switch: None,
    name: "refill",
    done: "added",
    title: ("Change the number of units", "补充库存"),
    does: &[
        (
            "Adds so many units; whoever asks next gets one, also where it was sold out.",
            "增加相应份数；即使已抢光，下一个来抢的人也能抢到。",
        ),
        ("A number below zero takes free units back.", "填负数则收回尚未抢走的份数。"),
    ],
    does_not: &[
        (
            "What somebody has got is never taken back: an added unit can be taken back only while it is free.",
            "已被抢走的绝不收回：补充之后，只有尚未抢走的才能收回。",
        ),
        ("Sending this page twice changes it once.", "重复提交本页只会生效一次。"),
    ],
    button: ("Change it", "确认"),
    sure: None,
};

impl Switch {
    const fn words(self) -> &'static Asks {
        match self {
            Self::Pause => &PAUSE,
            Self::Resume => &RESUME,
            Self::Close => &CLOSE,
        }
    }
}

#[derive(Template)]
#[template(path = "desk/confirm.html")]
struct Confirm {
    f: Frame,
    asks: &'static Asks,
    act_id: String,
    act_name: String,
    wrong: Option<String>,
    /// The plain types; only where units change.
    kinds: Vec<Kind>,
    chosen: String,
    units: String,
    key: String,
}

/// A type whose number can be changed.
struct Kind {
    id: String,
    name: String,
    supply: Supply,
}

impl Confirm {
    fn new(asked: &Asked, entry: &Entry, asks: &'static Asks) -> Self {
        let activity = &entry.activity;
        Self {
            f: Frame::of(asked),
            asks,
            act_id: activity.id.clone(),
            act_name: activity.name.clone(),
            wrong: None,
            kinds: Vec::new(),
            chosen: String::new(),
            units: String::new(),
            key: String::new(),
        }
    }

    fn of_units(asked: &Asked, entry: &Entry) -> Self {
        let counts = asked.app.sale.counts(entry.no);
        let kinds = entry.activity.types.iter().zip(counts.types);
        let plain = kinds.filter(|(kind, _)| kind.kind == UnitKind::Plain);
        let kind = |(kind, counts): (&sale::TicketType, sale::TypeCounts)| Kind {
            id: kind.id.clone(),
            name: kind.name.clone(),
            supply: counts.supply,
        };
        let kinds = plain.map(kind).collect();
        Self { kinds, key: fresh_key(asked), ..Self::new(asked, entry, &REFILL) }
    }

    fn w(&self, words: &Words) -> &'static str {
        self.f.language.pick(words.0, words.1)
    }

    /// Nothing can be changed: every type has codes.
    fn is_empty(&self) -> bool {
        self.asks.switch.is_none() && self.kinds.is_empty()
    }
}

/// A key that no form had before: another for each page, so that two intended changes are two.
fn fresh_key(asked: &Asked) -> String {
    static FORMS: AtomicU64 = AtomicU64::new(0);
    let form = FORMS.fetch_add(1, Ordering::Relaxed);
    format!("desk-{}-{form}", asked.now.0)
}

async fn confirm(asked: Asked, asks: &'static Asks) -> Result<Reply, Problem> {
    asked.operator().await?;
    let entry = super::entry(&asked)?;
    Ok(personal(&asked, &Confirm::new(&asked, &entry, asks)))
}

async fn done(asked: Asked, asks: &'static Asks) -> Result<Reply, Problem> {
    let sure = asked.form()?.get("sure") == Some("1");
    let operator = Operator { key: None, ..asked.operator().await? };
    let entry = super::entry(&asked)?;
    if asks.sure.is_some() && !sure {
        let text = asked.language.pick("Tick the box first.", "请先勾选确认框。").to_owned();
        let page = Confirm::new(&asked, &entry, asks);
        let told = Refused { status: StatusCode::BAD_REQUEST, ret: -400, text };
        return Ok(refused(&asked, &operator, page, told));
    }
    blocking(move || {
        let (sale, id) = (&asked.app.sale, &entry.activity.id);
        let switched = match asks.switch {
            Some(Switch::Pause) => sale.pause(id, &operator),
            Some(Switch::Resume) => sale.resume(id, &operator),
            Some(Switch::Close) => sale.close_activity(id, &operator),
            None => Ok(()),
        };
        match switched {
            Ok(()) => Ok(back(&asked, &entry, asks.done, None)),
            Err(DeskRefused::Closed) => {
                let page = Confirm::new(&asked, &entry, asks);
                let told = why_not(&asked, DeskRefused::Closed)?;
                Ok(refused(&asked, &operator, page, told))
            }
            Err(other) => Err(desk_problem(&asked, other)),
        }
    })
    .await?
}

/// To the live screen, which says what happened.
fn back(asked: &Asked, entry: &Entry, done: &str, units: Option<u64>) -> Reply {
    let units = units.map(|units| format!("&units={units}")).unwrap_or_default();
    let path = format!("/desk/act/{}?done={done}{units}", entry.activity.id);
    see_other(&to(asked.language, &path))
}

/// What an operator is told who is shown the form once more.
struct Refused {
    status: StatusCode,
    /// As the call answers it.
    ret: i16,
    text: String,
}

/// The form once more. It is in the audit log as it is for the calls.
fn refused(asked: &Asked, operator: &Operator, page: Confirm, told: Refused) -> Reply {
    let Refused { status, ret, text } = told;
    let action = format!("admin/act/{}", page.asks.name);
    asked.audit(operator, &action, &page.act_id, format!("ret {ret}"));
    let mut reply = with_status(asked, status, &Confirm { wrong: Some(text), ..page });
    reply.ret = ret;
    reply
}

async fn refill_form(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    let entry = super::entry(&asked)?;
    Ok(personal(&asked, &Confirm::of_units(&asked, &entry)))
}

/// What the form of a refill was filled in with.
struct Filled {
    kind: String,
    units: String,
    key: String,
}

async fn refill(asked: Asked) -> Result<Reply, Problem> {
    let filled = {
        let form = asked.form()?;
        let text = |name| form.get(name).unwrap_or_default().trim().to_owned();
        Filled { kind: text("typeId"), units: text("units"), key: text("key") }
    };
    let operator = asked.operator().await?;
    let entry = super::entry(&asked)?;
    let Some((units, key)) = understood(&asked, &filled)? else {
        let words =
            ("Units: a whole number other than zero, please.", "份数：请填写不为零的整数。");
        let text = asked.language.pick(words.0, words.1).to_owned();
        let told = Refused { status: StatusCode::BAD_REQUEST, ret: -400, text };
        return Ok(not_refilled(&asked, &operator, &entry, filled, told));
    };
    let operator = Operator { key: Some(key), ..operator };
    blocking(move || {
        let id = &entry.activity.id;
        match asked.app.sale.refill(id, &filled.kind, units, &operator) {
            Ok(changed) => {
                let done = if changed < 0 { "taken-back" } else { "added" };
                Ok(back(&asked, &entry, done, Some(changed.unsigned_abs())))
            }
            Err(refused) => {
                let told = why_not(&asked, refused)?;
                Ok(not_refilled(&asked, &operator, &entry, filled, told))
            }
        }
    })
    .await?
}

/// The number and the key; nothing where the number is none.
fn understood(asked: &Asked, filled: &Filled) -> Result<Option<(i64, OperatorKey)>, Problem> {
    if !is_key(&filled.key) {
        return Err(crate::params::bad("key", crate::params::Reason::Form).into());
    }
    let who = asked.app.need_who(&asked.parts.headers, asked.now)?;
    let key = asked.app.sale.ids().key(&filled.key);
    let units = filled.units.parse().ok().filter(|units: &i64| *units != 0);
    Ok(units.map(|units| (units, OperatorKey { operator: who.session.user, key })))
}

/// The form once more, with what was written and a fresh key.
fn not_refilled(
    asked: &Asked,
    operator: &Operator,
    entry: &Arc<Entry>,
    filled: Filled,
    told: Refused,
) -> Reply {
    let page = Confirm::of_units(asked, entry);
    let page = Confirm { chosen: filled.kind, units: filled.units, ..page };
    refused(asked, operator, page, told)
}

/// A sentence for what the operator can do something about.
fn why_not(asked: &Asked, refused: DeskRefused) -> Result<Refused, Problem> {
    let pick = |en: &str, zh: &str| asked.language.pick(en, zh).to_owned();
    let text = match &refused {
        DeskRefused::Closed => {
            pick("It is closed for good; nothing was changed.", "活动已永久关闭，未做任何更改。")
        }
        DeskRefused::Short { available } => pick(
            "Nothing was taken back: fewer are free. Free now: {n}.",
            "未收回：剩余不足，目前剩余 {n} 份。",
        )
        .replace("{n}", &available.to_string()),
        DeskRefused::TooMany => pick(
            "That is more than a type can have; nothing was changed.",
            "超出票种的数量上限，未做任何更改。",
        ),
        DeskRefused::KeyUsed => pick(
            "This page was sent before with another number, and that one was done. Look at the numbers and send this one if you want it as well.",
            "本页已用另一数字提交过并已生效。请核对数量，如仍需更改请再次提交。",
        ),
        _ => return Err(desk_problem(asked, refused)),
    };
    let ret = desk_problem(asked, refused).reply(asked.language).ret;
    Ok(Refused { status: StatusCode::CONFLICT, ret, text })
}
