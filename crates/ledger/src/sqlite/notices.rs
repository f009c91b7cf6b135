//! Notices that were refused, for the operator to see: the newest ones only, for anybody may send some.
//! They change nothing.

use super::fault::Fail;
use super::numbers::{order_or_none, order_place, stored, time};
use crate::contract::{NOTICES_KEPT_MAX, NoticeRecord, NoticeRow};
use rusqlite::Connection;

pub(super) fn record(connection: &Connection, notices: &[NoticeRecord]) -> Result<(), Fail> {
    let sql = "INSERT INTO notices (at, provider, reason, place) VALUES (?, ?, ?, ?)";
    let mut statement = connection.prepare_cached(sql)?;
    for NoticeRecord { at, provider, reason, order } in notices {
        statement.execute((stored(*at), provider, reason, order.map(order_place)))?;
    }
    let sql = "DELETE FROM notices WHERE no <= (SELECT max(no) FROM notices) - ?";
    connection.prepare_cached(sql)?.execute([NOTICES_KEPT_MAX])?;
    Ok(())
}

pub(super) fn newest(connection: &Connection, most: u32) -> Result<Vec<NoticeRow>, Fail> {
    let sql = "SELECT at, provider, reason, place FROM notices ORDER BY no DESC LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let notices = statement.query_map([most], |row| {
        Ok((time(row, 0)?, row.get(1)?, row.get(2)?, order_or_none(row, 3)?))
    })?;
    Ok(notices.collect::<Result<_, _>>()?)
}
