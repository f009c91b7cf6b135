//! Writing a new activity: a form that comes back with everything that was typed until it can be created, and shows the
//! buyer's page on the way. A preview saves nothing; what is created goes in by the same import as a file.

use super::{
    draft::{Draft, TYPES_ON_FORM_MAX, type_field},
    fields::Fields,
};
use crate::{
    cold::{Asked, Takes, blocking, desk_problem},
    envelope::{Problem, Reply},
    pages::{
        Pages,
        act::ActPage,
        frame::{Frame, see_other, to, with_status},
    },
};
use askama::Template;
use axum::Router;
use http::StatusCode;
use sale::{DeskRefused, NewActivity, NewUnits, Operator, TimeMs, files::ReadActivities};
use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

/// The routes of writing.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/desk/new"), pages.form(Takes::Import, form, sent))
}

#[derive(Template)]
#[template(path = "desk/writing.html")]
struct Writing {
    f: Frame,
    d: Draft,
    zone: String,
    preview: Option<Preview>,
    /// The type whose first field gets the focus: the one that was just added.
    new_type: Option<usize>,
}

/// The names of a ticket type's fields, for the template.
struct TypeNames {
    /// Of the type, from 1.
    number: usize,
    has_codes: bool,
    focus: bool,
    name: String,
    desc: String,
    kind: String,
    codes: String,
    stock: String,
    limit: String,
    from: String,
    until: String,
    start: String,
    end: String,
    price: String,
    pay_within: String,
    offer_within: String,
}

impl TypeNames {
    fn new(d: &Draft, at: usize, focus: bool) -> Self {
        Self {
            number: at + 1,
            has_codes: d.has_codes(at),
            focus,
            name: type_field(at, "name"),
            desc: type_field(at, "desc"),
            kind: type_field(at, "kind"),
            codes: type_field(at, "codes"),
            stock: type_field(at, "stock"),
            limit: type_field(at, "limit_per_user"),
            from: type_field(at, "valid_from"),
            until: type_field(at, "valid_until"),
            start: type_field(at, "start_time"),
            end: type_field(at, "end_time"),
            price: type_field(at, "price"),
            pay_within: type_field(at, "pay_within_s"),
            offer_within: type_field(at, "offer_within_s"),
        }
    }

    /// Attributes of the field of its name.
    fn name_extra(&self) -> &'static str {
        if self.focus { "autocomplete=\"off\" autofocus" } else { "autocomplete=\"off\"" }
    }
}

impl Writing {
    fn types(&self) -> impl Iterator<Item = TypeNames> {
        let focus = |at| self.new_type == Some(at);
        (0..self.d.type_count()).map(move |at| TypeNames::new(&self.d, at, focus(at)))
    }

    fn name_hint(&self) -> &str {
        match self.d.type_count() {
            1 => self.f.t(
                "Such as “cinema ticket”. Left empty, it is called like the activity.",
                "如“电影票”。留空则与活动同名。",
            ),
            _ => "",
        }
    }

    /// Whether people may line up: the value, and what it is called.
    fn standby_ways(&self) -> [(&'static str, &'static str); 3] {
        let t = |en, zh| self.f.language.pick(en, zh);
        [
            ("", t("where something costs money", "收费时开启")),
            ("on", t("always", "开启")),
            ("off", t("never", "关闭")),
        ]
    }

    /// Whether there may be one more type.
    fn can_add(&self) -> bool {
        self.d.type_count() < TYPES_ON_FORM_MAX
    }

    /// Whether what is seldom needed has something to show.
    fn is_open(&self, names: &[&str]) -> bool {
        names.iter().any(|name| !self.d.value(name).is_empty() || !self.d.wrong(name).is_empty())
    }
}

/// How an activity will look to buyers, and what its organiser should know before it is created.
pub struct Preview {
    /// The page's main part as HTML; its own template has escaped it.
    pub html: String,
    /// Sentences.
    pub warnings: Vec<&'static str>,
}

impl Preview {
    /// The preview of what was read.
    pub fn new(asked: &Asked, new: &NewActivity) -> Self {
        let (assets, zone) = (Arc::clone(&asked.app.assets), asked.app.settings.pages.zone());
        let page = ActPage::new(assets, asked.language, zone, &new.activity);
        let window = new.activity.window;
        let told = |en, zh| asked.language.pick(en, zh);
        let warnings = [
            (window.end() <= asked.now)
                .then(|| told("It would be over already: the end has passed.", "结束时间已过，创建后即为已结束。")),
            (window.start() <= asked.now && asked.now < window.end())
                .then(|| told("It begins at once: the beginning has passed.", "开始时间已过，创建后立即开抢。")),
            has_empty_type(new).then(|| {
                told(
                    "A ticket type has nothing to give out yet: add codes or stock before it begins.",
                    "有票种目前没有可发的数量，请在开始前追加兑换码或库存。",
                )
            }),
        ];
        Self {
            html: without_ids(&page.main_part()),
            warnings: warnings.into_iter().flatten().collect(),
        }
    }
}

/// The same HTML without its ids, of which the page around it has its own. In escaped text no quotation mark is left, so
/// that whatever looks like an id is one.
fn without_ids(html: &str) -> String {
    let mut parts = html.split(" id=\"");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('"').map_or("", |(_, rest)| rest));
    }
    plain
}

fn has_empty_type(new: &NewActivity) -> bool {
    new.units.iter().any(|units| match units {
        NewUnits::Plain(count) => *count == 0,
        NewUnits::Codes(codes) => codes.is_empty(),
    })
}

async fn form(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    let mut fields = Fields::default();
    fields.set(&type_field(0, "limit_per_user"), "1");
    fields.set("currency", "CNY");
    let draft = draft(&asked, fields);
    Ok(page(&asked, StatusCode::OK, draft, None, None))
}

fn draft(asked: &Asked, fields: Fields) -> Draft {
    Draft::new(fields, asked.app.settings.pages.zone(), asked.language, new_id(asked.now))
}

/// An address nobody has yet; if somebody has, the import says so.
fn new_id(now: TimeMs) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let random = RandomState::new().hash_one(now);
    (0..8).map(|at| char::from(LETTERS[(random >> (at * 5)) as usize % 32])).collect()
}

async fn sent(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    blocking(move || {
        let fields = Fields::of(&asked)?;
        let wanted = fields.get("do").to_owned();
        let draft = draft(&asked, fields);
        sent_now(&asked, &operator, draft, &wanted)
    })
    .await?
}

fn sent_now(
    asked: &Asked,
    operator: &Operator,
    mut draft: Draft,
    wanted: &str,
) -> Result<Reply, Problem> {
    if wanted == "add" {
        let added = draft.add_type();
        return Ok(page(asked, StatusCode::OK, draft, None, added));
    }
    if let Some(gone) = wanted.strip_prefix("remove-").and_then(|at| at.parse().ok()) {
        draft.remove_type(gone);
        return Ok(page(asked, StatusCode::OK, draft, None, None));
    }
    match draft.read() {
        Some(read) if wanted == "create" => create(asked, operator, draft, &read),
        Some(read) => {
            let preview = Preview::new(asked, &read.activities[0]);
            Ok(page(asked, StatusCode::OK, draft, Some(preview), None))
        }
        None => Ok(page(asked, StatusCode::BAD_REQUEST, draft, None, None)),
    }
}

fn create(
    asked: &Asked,
    operator: &Operator,
    mut draft: Draft,
    read: &ReadActivities,
) -> Result<Reply, Problem> {
    let refused = match asked.app.sale.import(&read.activities, operator) {
        Ok(_) => return Ok(created(asked, &draft, read)),
        Err(DeskRefused::IdExists(_)) if is_sent_again(asked, read)? => {
            return Ok(created(asked, &draft, read));
        }
        Err(refused) => refused,
    };
    let status = told(asked, operator, &mut draft, read, refused, "admin/act/import");
    Ok(page(asked, status, draft, None, None))
}

/// What was refused is told in the form, and is in the audit log as it is for the calls.
pub fn told(
    asked: &Asked,
    operator: &Operator,
    draft: &mut Draft,
    read: &ReadActivities,
    refused: DeskRefused,
    action: &str,
) -> StatusCode {
    let exists = matches!(refused, DeskRefused::IdExists(_));
    let (status, ret) = match draft.refused(read, refused) {
        None if exists => (StatusCode::CONFLICT, -409),
        None => (StatusCode::BAD_REQUEST, -400),
        Some(refused) => {
            let problem = desk_problem(asked, refused);
            draft.tell(problem.message(asked.language));
            let reply = problem.reply(asked.language);
            (reply.response.status(), reply.ret)
        }
    };
    asked.audit(operator, action, &read.activities[0].activity.id, format!("ret {ret}"));
    status
}

/// A second press of the button, or a reload, finds what the first one made.
fn is_sent_again(asked: &Asked, read: &ReadActivities) -> Result<bool, Problem> {
    let new = &read.activities[0];
    let catalog = asked.app.sale.catalog();
    let Some(entry) = catalog.by_id(&new.activity.id) else { return Ok(false) };
    asked.app.sale.is_same(entry, new).map_err(|fault| desk_problem(asked, fault.into()))
}

fn created(asked: &Asked, draft: &Draft, read: &ReadActivities) -> Reply {
    let (codes, names) = (draft.repeated(false), draft.repeated(true));
    let id = &read.activities[0].activity.id;
    let query = format!("/desk/act/{id}/made?codes_repeated={codes}&names_repeated={names}");
    see_other(&to(asked.language, &query))
}

fn page(
    asked: &Asked,
    status: StatusCode,
    d: Draft,
    preview: Option<Preview>,
    new_type: Option<usize>,
) -> Reply {
    let f = Frame::of(asked).with_script("desk-files.js");
    let zone = asked.app.settings.pages.zone().name();
    let mut reply = with_status(asked, status, &Writing { f, d, zone, preview, new_type });
    if status != StatusCode::OK {
        reply.ret = -(status.as_u16() as i16);
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_has_no_ids_and_loses_nothing_else() {
        let html = "<p id=\"a\" class=\"b\">x id=&#34;y&#34;</p><form id=\"c\"></form>";
        assert_eq!(without_ids(html), "<p class=\"b\">x id=&#34;y&#34;</p><form></form>");
    }

    #[test]
    fn an_address_made_here_is_one() {
        let (one, other) = (new_id(TimeMs(1)), new_id(TimeMs(1)));
        assert_ne!(one, other);
        assert!(one.len() == 8 && one.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{one}");
    }
}
