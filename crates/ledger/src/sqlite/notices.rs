//! Notices that were refused, for the operator to see: the newest ones only, for anybody may send some. Those that only
//! a provider can have sent are numbered and kept by themselves. None of them changes anything.

use super::fault::Fail;
use super::numbers::{order_or_none, order_place, stored, time};
use crate::contract::{NOTICES_KEPT_MAX, NoticeRecord, NoticeRow};
use rusqlite::Connection;

pub(super) fn record(connection: &Connection, notices: &[NoticeRecord]) -> Result<(), Fail> {
    let sql = "INSERT INTO notices (stray, no, at, provider, reason, place)
               SELECT ?1, coalesce(max(no), 0) + 1, ?2, ?3, ?4, ?5 FROM notices WHERE stray = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    for NoticeRecord { at, provider, reason, order, stray } in notices {
        statement.execute((stray, stored(*at), provider, reason, order.map(order_place)))?;
    }
    let sql = "DELETE FROM notices
               WHERE stray = ?1 AND no <= (SELECT max(no) FROM notices WHERE stray = ?1) - ?2";
    let mut statement = connection.prepare_cached(sql)?;
    for stray in [false, true] {
        statement.execute((stray, NOTICES_KEPT_MAX))?;
    }
    Ok(())
}

pub(super) fn newest(
    connection: &Connection,
    strays_only: bool,
    most: u32,
) -> Result<Vec<NoticeRow>, Fail> {
    let sql = "SELECT at, provider, reason, place FROM notices WHERE stray >= ?
               ORDER BY at DESC, no DESC LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let notices = statement.query_map((strays_only, most), |row| {
        Ok((time(row, 0)?, row.get(1)?, row.get(2)?, order_or_none(row, 3)?))
    })?;
    Ok(notices.collect::<Result<_, _>>()?)
}
