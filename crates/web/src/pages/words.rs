//! What people are told while and after they press the button, in both languages: one table for the pages and for
//! the script, so that both say the same. Each sentence comes with its next step.

use crate::language::Language;
use sale::{OrderState, Refusal};
use serde_json::{Map, json};

/// What happened, and what to do now.
pub struct Sentence {
    /// Its name in the script.
    pub key: &'static str,
    /// How it looks: `good`, `wait`, or nothing.
    pub tone: &'static str,
    title: [&'static str; 2],
    text: [&'static str; 2],
}

impl Sentence {
    /// What happened.
    pub fn title(&self, language: Language) -> &'static str {
        language.pick(self.title[0], self.title[1])
    }

    /// What to do now.
    pub fn text(&self, language: Language) -> &'static str {
        language.pick(self.text[0], self.text[1])
    }
}

const fn sentence(
    key: &'static str,
    tone: &'static str,
    title: [&'static str; 2],
    text: [&'static str; 2],
) -> Sentence {
    Sentence { key, tone, title, text }
}

/// Every sentence: English, then Chinese.
pub const SENTENCES: [Sentence; 40] = [
    sentence(
        "asking",
        "wait",
        ["Asking …", "正在抢……"],
        [
            "The order is the order of arrival. Please stay on this page.",
            "以请求到达的先后为准，请停留在本页。",
        ],
    ),
    sentence(
        "queued",
        "wait",
        ["You are in the queue", "排队中"],
        [
            "Your request was decided and is being written down. This takes a moment.",
            "您的请求已受理，正在写入，请稍候。",
        ],
    ),
    sentence(
        "again",
        "wait",
        ["Asking again …", "正在重新询问……"],
        [
            "The answer did not reach us. We ask again by ourselves; it never counts twice.",
            "没有收到回复，正在自动重试；不会重复计入。",
        ],
    ),
    sentence(
        "busy",
        "wait",
        ["A great many people are here", "人太多了"],
        ["Nothing is lost: we ask again in a moment by ourselves.", "不会吃亏：我们马上自动再试。"],
    ),
    sentence(
        "offline",
        "wait",
        ["You are offline", "网络已断开"],
        ["As soon as there is a connection we go on by ourselves.", "网络恢复后会自动继续。"],
    ),
    sentence(
        "unknown",
        "wait",
        ["We could not find out", "暂时无法确认结果"],
        [
            "Ask again: it is the same request and cannot take a second one.",
            "请点击再问一次：这是同一个请求，不会多占一份。",
        ],
    ),
    sentence(
        "won",
        "good",
        ["You got it", "抢到了"],
        [
            "It is yours and it is written down. You find it under “My tickets” at any time.",
            "已经归您，并已记录在案。随时可在“我的票”中查看。",
        ],
    ),
    sentence(
        "not_started",
        "wait",
        ["Not started yet", "还没开始"],
        ["The button opens by itself when it begins.", "时间一到，按钮会自动开放。"],
    ),
    sentence(
        "early",
        "wait",
        ["A little too early", "早了一点点"],
        [
            "It has not begun yet. We ask for you as soon as it does.",
            "活动还没开始，时间一到我们就自动为您请求。",
        ],
    ),
    sentence(
        "sold_out",
        "",
        ["Sold out", "已抢光"],
        [
            "Everything has been given out, in the order in which people came. Thank you for coming.",
            "已按先后顺序全部发完，感谢参与。",
        ],
    ),
    sentence(
        "held_by_others",
        "wait",
        ["All are held by others", "暂时都被占用"],
        [
            "Some may come back if they are not paid for. Look again in a few minutes.",
            "如有人未付款，可能会退回，请过几分钟再看。",
        ],
    ),
    sentence(
        "paused",
        "wait",
        ["Paused", "活动暂停"],
        [
            "The organiser has paused it. Stay here, or come back later.",
            "主办方暂停了活动，请稍后再试。",
        ],
    ),
    sentence(
        "ended",
        "",
        ["It is over", "活动已结束"],
        ["Nothing more is given out. See what else there is.", "已停止发放，看看其他活动吧。"],
    ),
    sentence(
        "not_eligible",
        "",
        ["You are not on the list", "您不在名单中"],
        [
            "This is for the people on its list. If you should be on it, ask the organiser.",
            "仅限名单内的人员。如有疑问，请联系主办方。",
        ],
    ),
    sentence(
        "limit_reached",
        "good",
        ["You have had your share", "您已达到限领数量"],
        ["Your tickets are under “My tickets”.", "您的票在“我的票”中。"],
    ),
    sentence(
        "sign_in",
        "wait",
        ["Please sign in", "请先登录"],
        ["Then we go on where you are now.", "登录后会回到这里继续。"],
    ),
    sentence(
        "too_many",
        "wait",
        ["Too often", "操作太频繁"],
        [
            "Nothing happened. Wait a little; we ask again by ourselves.",
            "没有任何变化。请稍等，我们会自动再试。",
        ],
    ),
    sentence(
        "given_up",
        "",
        ["Nobody answers", "暂时没有回应"],
        [
            "We have stopped asking. Ask again: it is the same request and cannot take a second one.",
            "已停止自动重试。请点击再问一次：这是同一个请求，不会多占一份。",
        ],
    ),
    sentence(
        "failed",
        "",
        ["It did not work", "没有成功"],
        [
            "Nothing happened and nothing was taken. Please try again.",
            "没有任何变化，也没有占用名额，请重试。",
        ],
    ),
    sentence(
        "refused",
        "",
        ["This cannot be asked", "无法处理"],
        [
            "Load the page again; if it stays so, tell the organiser.",
            "请刷新页面；如仍不行，请联系主办方。",
        ],
    ),
    sentence(
        "held",
        "good",
        ["It is set aside for you", "已为您保留"],
        [
            "Pay before the time is up; then it is yours. Nobody else can get it meanwhile.",
            "请在倒计时结束前付款，付款后归您。在此期间不会被别人抢走。",
        ],
    ),
    sentence(
        "offered",
        "good",
        ["It is your turn!", "轮到您了！"],
        [
            "One came back and is set aside for you. Pay before the time is up, or it goes to the next in line.",
            "有名额退回，已为您保留。请在倒计时结束前付款，否则将转给下一位候补者。",
        ],
    ),
    sentence(
        "on_its_way",
        "wait",
        ["We are waiting for the provider’s word", "正在等待支付结果"],
        [
            "If you have paid, this page says so as soon as the payment provider confirms it. Please do not pay again.",
            "如已付款，支付平台一确认，本页就会显示。请勿重复付款。",
        ],
    ),
    sentence(
        "time_up",
        "wait",
        ["The time to pay is over", "付款时间已到"],
        [
            "We wait a few seconds more for a payment that may still be on its way.",
            "再等几秒，确认是否还有在途的付款。",
        ],
    ),
    sentence(
        "paid",
        "good",
        ["Paid: it is yours", "付款成功，归您了"],
        ["You find it under “My tickets” at any time.", "随时可在“我的票”中查看。"],
    ),
    sentence(
        "cancelled",
        "",
        ["You gave it back", "您已放弃"],
        [
            "Nothing was charged. What you had goes to the next person.",
            "没有扣款，名额会转给下一位。",
        ],
    ),
    sentence(
        "expired",
        "",
        ["It was not paid in time", "超时未付款"],
        [
            "What was set aside goes to the next person. Nothing was charged; should a payment arrive late, you get one if it is free, or your money back.",
            "保留的名额会转给下一位，没有扣款。若付款晚到：有余票则归您，没有则原路退款。",
        ],
    ),
    sentence(
        "late",
        "wait",
        ["Your payment came late", "您的付款晚到了"],
        [
            "We look whether one is still free for you. If not, your money goes back.",
            "正在确认是否还有余票；如没有，将原路退款。",
        ],
    ),
    sentence(
        "late_won",
        "good",
        ["Your payment came late, and you got one after all", "付款虽晚，仍然抢到了"],
        [
            "One was still free. It is yours, with a new order.",
            "正好还有余票，已归您，请查看新订单。",
        ],
    ),
    sentence(
        "refund_due",
        "wait",
        ["Your money is on its way back", "正在退款"],
        [
            "You need not do anything. It can take the payment provider a few days.",
            "您无需操作，款项将原路退回，支付平台可能需要几天。",
        ],
    ),
    sentence(
        "refunded",
        "",
        ["Your money is back", "已退款"],
        ["The payment provider has given it back.", "支付平台已将款项原路退回。"],
    ),
    sentence(
        "line_open",
        "wait",
        ["Line up for what comes back", "候补：有退回就轮到您"],
        [
            "What comes back goes to those in line, in order. Nobody gets in front by pressing fast.",
            "退回的名额按候补先后提供，不拼手速。",
        ],
    ),
    sentence(
        "in_line",
        "wait",
        ["You are in line", "候补中"],
        [
            "When it is your turn, one is set aside for you. Stay here or look in again: you then have limited time.",
            "轮到您时会为您保留一份，时间有限，请留在本页或常回来看看。",
        ],
    ),
    sentence(
        "line_left",
        "",
        ["You left the line", "已退出候补"],
        [
            "You can line up again, behind those who are waiting by then.",
            "可以重新候补，届时排在已有的人之后。",
        ],
    ),
    sentence(
        "line_gone",
        "",
        ["You are not in line any more", "您已不在候补中"],
        [
            "You left, or your turn came and was not taken. You can line up again.",
            "您已退出，或轮到您时没有付款。可以重新候补。",
        ],
    ),
    sentence(
        "line_free",
        "good",
        ["Something is free right now", "现在就有名额"],
        ["There is no need to line up: press the button.", "无需候补，请直接点按钮。"],
    ),
    sentence(
        "line_off",
        "",
        ["There is no line here", "此活动没有候补"],
        ["Look again in a few minutes.", "请过几分钟再来看。"],
    ),
    sentence(
        "line_over",
        "",
        ["It is over", "活动已结束"],
        [
            "Nothing is offered to the line any more. Thank you for waiting.",
            "候补也已结束，感谢等待。",
        ],
    ),
    sentence(
        "changed",
        "wait",
        ["It has changed meanwhile", "状态已变化"],
        ["This is how it stands now.", "以下是最新状态。"],
    ),
    sentence(
        "no_pay",
        "",
        ["It cannot be paid now", "暂时无法付款"],
        [
            "The payment provider did not answer. Nothing was charged; please try again.",
            "支付平台没有回应，没有扣款，请重试。",
        ],
    ),
];

/// The sentence with this key.
pub fn say(key: &str) -> &'static Sentence {
    SENTENCES.iter().find(|one| one.key == key).expect("sentences are named as they are")
}

/// What is said with a refusal.
pub fn refused(refusal: Refusal) -> &'static Sentence {
    say(refusal.name())
}

/// What is said of an order in this state.
pub fn stands(state: OrderState) -> &'static Sentence {
    say(state.name())
}

/// The table as the first statement of a script.
pub fn script() -> String {
    let rows = SENTENCES.iter().map(|one| {
        (one.key.to_owned(), json!({ "tone": one.tone, "title": one.title, "text": one.text }))
    });
    format!("const SENTENCES = {};\n", serde_json::Value::Object(rows.collect::<Map<_, _>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_sentence_and_no_key_stands_twice() {
        for refusal in Refusal::ALL {
            assert!(!refused(refusal).title(Language::Zh).is_empty());
        }
        for state in OrderState::ALL {
            assert!(!stands(state).title(Language::Zh).is_empty());
        }
        for (index, one) in SENTENCES.iter().enumerate() {
            assert!(SENTENCES[..index].iter().all(|other| other.key != one.key), "{}", one.key);
            for language in [Language::En, Language::Zh] {
                assert!(!one.text(language).is_empty(), "{}", one.key);
            }
        }
    }
}
