//! A ledger restored from a backup, while sessions from after the backup are about: what operations.md says of it.
//! How a backup is made and read is tested with the other commands.

use super::stage::{Stage, data, fails};
use crate::world::{World, tokens};
use serde_json::json;

/// The first half shows why: without the step, a token from after the backup opens somebody else's account.
#[test]
fn ending_all_sessions_after_a_restore_keeps_people_out_of_each_others_accounts() {
    let mut stage = Stage::selling(json!({"stock": 3}));
    let mut copy = World::cheap();
    std::fs::create_dir_all(copy.data()).expect("a folder");
    let ledger = copy.data().join("ledger.sqlite3");
    stage.world.must(&["backup", &ledger.display().to_string()], "");
    let late = stage.person("late");
    let late = late.token.as_deref().expect("signed in");
    stage.world.terminate();

    copy.serve();
    let op = stage.op.token.as_deref().expect("signed in");
    let mut old_op = copy.client().with_token(op);
    tokens(&mut old_op, &["other".to_owned()]);
    assert_eq!(data(&copy.client().with_token(late).get("/user/me"))["name"], "other");
    copy.terminate();

    let database = rusqlite::Connection::open(&ledger).expect("the ledger is there");
    let ended = database.execute("DELETE FROM secrets WHERE name = 'session-tokens'", []);
    assert_eq!(ended, Ok(1));
    drop(database);
    copy.serve();
    for token in [late, op] {
        fails(&copy.client().with_token(token).get("/user/me"), 401);
    }
    let body = json!({"name": "op", "password": "operator-pass"});
    data(&copy.client().post_json("/user/login", &body));
    copy.terminate();
}
