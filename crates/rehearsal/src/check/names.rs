//! Every check's permanent name, the promise it guards and what it says. A name is never used for anything else.
//! What is not in this table cannot be found; a test plants a bug for every name.

use crate::verdict::Promise::{
    self, AnswersKept, AskAgain, CodesOnce, InOrder, NeverOversold, OneLimit,
};

/// Name, promise, and one sentence that is true of a sale in which the check finds nothing.
pub const CHECKS: &[(&str, Promise, &str)] = &[
    ("oversold", NeverOversold, "No type has more awards than it had units, at any time."),
    ("claim-no-twice", NeverOversold, "No two awards of a type have the same claim number."),
    ("row-twice", NeverOversold, "No ticket and no order is in the orders' export twice."),
    ("shown-impossible", NeverOversold, "What lists and details show of the stock can be true."),
    ("nothing-seen", AnswersKept, "At least one claim got a definite answer."),
    ("strange-answer", AnswersKept, "Every answer is one that the contract has."),
    ("busy-without-when", AnswersKept, "Whoever hears busy hears when to ask again."),
    ("lost-award", AnswersKept, "Every ticket that was shown to anybody is in the orders' export."),
    ("changed-row", AnswersKept, "The export says of a ticket what its owner was told."),
    ("unexplained-row", AnswersKept, "Every row of the orders' export has a claim behind it."),
    ("refused-with-effect", AnswersKept, "Who was told no for every claim has no order from it."),
    ("claim-no-gap", AnswersKept, "Nothing having failed, claim numbers run from 1 without a gap."),
    ("wrong-type", AnswersKept, "Who claims one type gets that type."),
    (
        "tickets-incomplete",
        AnswersKept,
        "A person's list holds every ticket they were given before.",
    ),
    ("sold-out-while-free", AnswersKept, "Nobody hears sold out while a unit is free."),
    ("limit-reached-too-soon", AnswersKept, "Limit reached comes with the tickets that reach it."),
    ("ended-too-soon", AnswersKept, "Nobody hears ended before the end, unless it was closed."),
    ("not-started-too-late", AnswersKept, "Nobody hears not started after the start."),
    ("paused-without-pause", AnswersKept, "Nobody hears paused unless it may have been paused."),
    ("not-eligible-on-roster", AnswersKept, "Nobody who may claim hears not eligible."),
    ("won-before-start", AnswersKept, "Nothing is awarded before the start."),
    ("won-after-end", AnswersKept, "Nothing is awarded after the end or a close."),
    ("won-while-paused", AnswersKept, "Nothing is awarded while it is paused."),
    ("participant-missing", AnswersKept, "Everybody with a definite answer is a participant."),
    ("participant-unexplained", AnswersKept, "Nobody is a participant who never claimed."),
    ("participant-twice", AnswersKept, "Nobody is a participant twice."),
    ("participant-outcome", AnswersKept, "A participant's outcome is won, or their first refusal."),
    ("limit-of-type", OneLimit, "Nobody has more of a type than its limit."),
    ("limit-of-activity", OneLimit, "Nobody has more of the activity than its limit."),
    ("won-off-roster", OneLimit, "Nobody has a ticket who is not on the roster."),
    ("code-twice", CodesOnce, "No code is on two tickets."),
    (
        "foreign-code",
        CodesOnce,
        "Every ticket has a code of its own type's, or none for plain units.",
    ),
    ("code-order", CodesOnce, "By claim number, codes go out in the order of import."),
    ("code-skipped", CodesOnce, "Nothing having failed, the n-th claim has the n-th code."),
    ("inversion", InOrder, "Nobody who asked after another was decided stands before them."),
    ("refused-then-later-won", InOrder, "Nobody wins who asked after another heard sold out."),
    ("key-two-units", AskAgain, "A key has one ticket at most, however often it is asked."),
    ("ticket-changed", AskAgain, "A ticket is the same whenever it is shown."),
    ("retry-refused", AskAgain, "A key that has won hears of its ticket ever after."),
    ("queued-never-ended", AskAgain, "Every queued claim comes to a final answer."),
    ("result-changed", AskAgain, "The final answer to a queued claim stays."),
];
