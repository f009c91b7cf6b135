//! The envelope of every JSON answer, and every way in which a call can fail, with its words in both languages.
//! Refusals are HTTP 200; where the rules were not asked, the status says so and `ret` is minus the status.

use crate::{
    body::ReplyBody,
    json,
    language::Language,
    params::{BadParam, Reason},
};
use bytes::Bytes;
use door::Empty;
use http::{HeaderValue, Response, StatusCode, header};
use sale::{Effect, Refusal};

/// An answer with its `ret`, for the metrics.
pub struct Reply {
    /// The `ret` of the envelope; 0 for answers without one.
    pub ret: i16,
    /// The answer.
    pub response: Response<ReplyBody>,
}

/// Who may keep an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nobody: it is personal.
    Private,
    /// Anybody who asks again whether it still holds.
    Check,
}

/// The JSON type of every envelope.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Seconds after which those who heard "busy" may ask again.
pub const RETRY_AFTER_S: u32 = 1;
/// Milliseconds after which the result of a queued claim may be asked for.
pub const RESULT_AFTER_MS: u32 = 500;

/// An answer of a route made elsewhere.
pub fn reply(ret: i16, status: StatusCode, body: impl Into<ReplyBody>, keep: Keep) -> Reply {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(4);
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let kept = match keep {
        Keep::Private => "private, no-store",
        Keep::Check => "no-cache",
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    Reply { ret, response }
}

impl From<Bytes> for ReplyBody {
    fn from(bytes: Bytes) -> Self {
        Self::Ready(bytes)
    }
}

/// Begins a success: what follows is the content of `data`, ended by [`end`].
pub fn begin(capacity: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(capacity);
    out.extend_from_slice(br#"{"ret":0,"message":"success","data":"#);
    out
}

/// Ends an envelope.
pub fn end(mut out: Vec<u8>) -> Vec<u8> {
    out.push(b'}');
    out
}

/// A success whose data is made by serde.
pub fn success(data: &serde_json::Value, keep: Keep) -> Reply {
    let mut out = begin(256);
    json::value(&mut out, data);
    reply(0, StatusCode::OK, end(out), keep)
}

/// An envelope with these parts; `data` is JSON.
pub fn envelope(ret: i16, message: &str, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + message.len() + data.len());
    out.push(b'{');
    json::field(&mut out, "ret", &ret);
    json::field(&mut out, "message", message);
    json::key(&mut out, "data");
    out.extend_from_slice(data);
    end(out)
}

/// Every way in which a call fails without the rules having been asked.
#[derive(Clone, Debug)]
pub enum Problem {
    /// 400: this parameter.
    Param(BadParam),
    /// 400: what was sent, with the particulars as `data`.
    Content(String, serde_json::Value),
    /// 405, with the methods that do.
    Method(&'static str),
    /// 405: with the cookie, only POST changes something.
    CookieGet,
    /// 401.
    SignIn,
    /// 401: name or password.
    Credentials,
    /// 401: the identity provider's token.
    Exchange,
    /// 403: a page of another origin used the cookie.
    Origin,
    /// 403: not an operator.
    Operators,
    /// 403: switched off by the configuration.
    SwitchedOff,
    /// 404: this parameter names nothing.
    NotFound(&'static str),
    /// 409, with what is in the way.
    Conflict(String),
    /// 413.
    TooLarge,
    /// 415.
    ContentType,
    /// 429: nothing happened; ask again after so many seconds.
    TooMany {
        /// Seconds, at least 1.
        retry_after_s: u64,
    },
    /// 503: nothing happened.
    Busy,
    /// 500: the decision began and the world failed.
    Fault(Effect),
    /// -10: not possible in this state.
    WrongState(serde_json::Value),
}

impl From<Empty> for Problem {
    fn from(empty: Empty) -> Self {
        Self::TooMany { retry_after_s: empty.retry_after_ms.div_ceil(1000) }
    }
}

impl From<BadParam> for Problem {
    fn from(bad: BadParam) -> Self {
        Self::Param(bad)
    }
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::Param(_) | Self::Content(..) => StatusCode::BAD_REQUEST,
            Self::Method(_) | Self::CookieGet => StatusCode::METHOD_NOT_ALLOWED,
            Self::SignIn | Self::Credentials | Self::Exchange => StatusCode::UNAUTHORIZED,
            Self::Origin | Self::Operators | Self::SwitchedOff => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Fault(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::WrongState(_) => StatusCode::OK,
        }
    }

    fn ret(&self) -> i16 {
        match self {
            Self::Fault(_) => -3,
            Self::WrongState(_) => -10,
            other => -(other.status().as_u16() as i16),
        }
    }

    /// The answer that says so.
    pub fn reply(&self, language: Language) -> Reply {
        let data = match self {
            Self::Content(_, data) | Self::WrongState(data) => data.to_string(),
            Self::Fault(Effect::None) => r#"{"effect":"none"}"#.to_owned(),
            Self::Fault(Effect::Unknown) => r#"{"effect":"unknown"}"#.to_owned(),
            _ => "{}".to_owned(),
        };
        let body = envelope(self.ret(), &self.message(language), data.as_bytes());
        let mut reply = reply(self.ret(), self.status(), body, Keep::Private);
        let headers = reply.response.headers_mut();
        match self {
            Self::Busy => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
            }
            Self::TooMany { retry_after_s } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
            }
            Self::Method(allowed) => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
            }
            Self::CookieGet => {
                headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            Self::SignIn => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        reply
    }

    /// What people read.
    pub fn message(&self, language: Language) -> String {
        let (en, zh) = match self {
            Self::Param(bad) => return param_message(bad, language),
            Self::NotFound(name) => {
                let (en, zh) = ("nothing has this id", "没有这个编号");
                return format!("{name}: {}", language.pick(en, zh));
            }
            Self::Content(text, _) | Self::Conflict(text) => return text.clone(),
            Self::Method(allowed) => {
                let text = language.pick("use one of", "请使用以下方法");
                return format!("{text}: {allowed}");
            }
            Self::CookieGet => (
                "signed in by cookie, changes are made by POST from a page of this site; or send Authorization: Bearer",
                "使用 cookie 登录时，只能由本站页面以 POST 提交；也可以使用 Authorization: Bearer",
            ),
            Self::SignIn => ("sign in first, or again", "请先登录或重新登录"),
            Self::Credentials => ("the name or the password is wrong", "用户名或密码错误"),
            Self::Exchange => ("the identity provider's token is not valid here", "身份令牌无效"),
            Self::Origin => (
                "signed in by cookie, changes are made from a page of this site only",
                "使用 cookie 登录时，只能从本站页面提交",
            ),
            Self::Operators => ("for operators only", "仅限管理员"),
            Self::SwitchedOff => ("switched off here", "此功能未开放"),
            Self::TooLarge => ("the body is too large", "请求体过大"),
            Self::ContentType => ("this type of body is not understood here", "不支持的内容类型"),
            Self::TooMany { .. } => {
                ("too often, nothing happened; wait a little", "操作过于频繁，未做任何更改，请稍候")
            }
            Self::Busy => ("busy, nothing happened; ask again", "系统繁忙，未做任何更改，请重试"),
            Self::Fault(Effect::None) => {
                ("the system failed; nothing happened", "系统错误，未做任何更改")
            }
            Self::Fault(Effect::Unknown) => (
                "the system failed and it is not known whether it happened; ask again with the same key",
                "系统错误，结果未知，请使用相同的 Idempotency-Key 重试",
            ),
            Self::WrongState(_) => ("not possible in this state", "当前状态下无法操作"),
        };
        language.pick(en, zh).to_owned()
    }
}

fn param_message(bad: &BadParam, language: Language) -> String {
    let (en, zh) = match bad.reason {
        Reason::Twice => ("given twice", "重复"),
        Reason::Missing => ("missing", "缺失"),
        Reason::Encoding => ("not valid percent-encoded UTF-8", "编码不正确"),
        Reason::TooMany => ("too many parameters", "参数过多"),
        Reason::Number => ("not a whole number within its bounds", "不是允许范围内的整数"),
        Reason::Choice => ("not one of its possible values", "不是可选的值"),
        Reason::Together => {
            ("cannot be given together with another one", "不能与另一个参数同时使用")
        }
        Reason::Units => ("more units than one request may ask for", "超出单次请求的数量上限"),
        Reason::Form => {
            ("too long, or with characters that do not belong", "过长或含有不允许的字符")
        }
    };
    format!("{}: {}", bad.name, language.pick(en, zh))
}

/// What people read with a refusal.
pub fn refusal_message(refusal: Refusal, language: Language) -> &'static str {
    let (en, zh) = match refusal {
        Refusal::Ended => ("the activity has ended", "活动已结束"),
        Refusal::SoldOut => ("sold out", "已抢光"),
        Refusal::NotStarted => ("not started yet", "活动尚未开始"),
        Refusal::LimitReached => ("you have had your share", "您已达到限领数量"),
        Refusal::NotEligible => ("you are not on the list", "您不在名单中"),
        Refusal::HeldByOthers => {
            ("others hold the last units; some may come back", "名额均被他人占用，可能会有退回")
        }
        Refusal::Paused => ("paused", "活动已暂停"),
    };
    language.pick(en, zh)
}
