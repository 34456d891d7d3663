//! What is on, what was announced, and rooms that were with their figures, as the platform told last.

use super::{account_of, airs};
use crate::app::channels::call::AccountCall;
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::subject::china_date;
use qianpu_domain::time::{Date, Timestamp};
use qianpu_sdk::{LiveDay, LiveFigures, LiveProduct, LiveReservation, LiveRoom};
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreResult, stored};
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::live_board::{LiveBoard, board_get, board_put};
use qianpu_tenants::store::live_room::{LiveRoomRow, room_figures, room_list, room_seen};
use serde_json::json;

/// Rooms that a page shows.
const SHOWN: u64 = 50;
/// The platform tells of no day before this one.
const FIRST_DAY: Date = jiff::civil::date(2024, 1, 1);

/// A room with its figures.
#[derive(Debug, Clone)]
pub struct Room {
    /// What is kept of it.
    pub row: LiveRoomRow,
    /// Its figures; all unknown before they were read.
    pub figures: LiveFigures,
    /// By product.
    pub products: Vec<LiveProduct>,
}

/// What an account that goes live told last.
#[derive(Debug, Clone)]
pub struct Board {
    /// The account.
    pub account: ChannelAccount,
    /// When it was asked, its followers and its public id.
    pub board: LiveBoard,
    /// Rooms that were on then.
    pub rooms: Vec<LiveRoom>,
    /// Rooms that were announced then.
    pub reservations: Vec<LiveReservation>,
    /// Rooms, newest first.
    pub past: Vec<Room>,
}

async fn board(tx: &TenantTx, account: ChannelAccount) -> Answer<Board> {
    let board = board_get(tx, account.id).await?;
    let past = room_list(tx, account.id, SHOWN).await?;
    let past = past.into_iter().map(|row| {
        let figures = stored(&row.figures, "live_rooms.figures")?;
        let products = stored(&row.products, "live_rooms.products")?;
        Ok(Room { figures, products, row })
    });
    Ok(Board {
        account,
        rooms: stored(&board.rooms, "live_boards.rooms")?,
        reservations: stored(&board.reservations, "live_boards.reservations")?,
        board,
        past: past.collect::<StoreResult<_>>()?,
    })
}

/// What the account told last.
pub async fn get<P: Perm>(state: &AppState, grant: &Grant<P>, id: ChannelAccountId) -> Answer<Board> {
    let tx = state.db.read(grant.ctx()).await?;
    board(&tx, account_of(&tx, grant, id, airs).await?).await
}

/// Asks what is on now and what was announced.
pub async fn read_now(
    state: &AppState,
    grant: &Grant<perm::LiveManage>,
    id: ChannelAccountId,
) -> Answer<Board> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = account_of(&tx, grant, id, airs).await?;
    let before = board_get(&tx, id).await?;
    drop(tx);
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().live_now(call.account_ref()).await;
    let now = call.settle(answer).await?;
    let told = now.account.as_ref();
    let fresh = LiveBoard {
        // Switched off, the account tells nothing of itself; what it is called does not change by that.
        public_id: told.and_then(|one| one.public_id.clone()).or(before.public_id),
        followers: told.and_then(|one| one.followers).or(before.followers),
        rooms: json!(now.rooms),
        reservations: json!(now.reservations),
        ..LiveBoard::default()
    };
    let mut tx = state.db.begin(grant.ctx()).await?;
    board_put(&mut tx, id, &fresh).await?;
    for room in now.rooms.iter().take(20) {
        room_seen(&mut tx, id, &room.room_id, &room.title).await?;
    }
    let board = board(&tx, account).await?;
    tx.commit().await?;
    Ok(board)
}

/// The day it is at the platform, whose days are days in China.
pub fn today(now: Timestamp) -> Date {
    china_date(now).unwrap_or(FIRST_DAY)
}

/// A day that can be asked for.
pub fn day_of(text: &str, now: Timestamp) -> Result<Date, FieldError> {
    let day = text.trim().parse::<Date>().ok();
    day.filter(|day| (FIRST_DAY..=today(now)).contains(day)).ok_or_else(|| {
        let (en, zh) = ("a day from 2024-01-01 until today", "请选择 2024-01-01 到今天之间的日期");
        FieldError::new("day", "range", en, zh)
    })
}

/// Reads the rooms of a day with their figures. `more`: the platform has further rooms of that day.
pub async fn read_day(
    state: &AppState,
    grant: &Grant<perm::LiveManage>,
    id: ChannelAccountId,
    day: Date,
) -> Answer<(Board, bool)> {
    let account = account_of(&*state.db.read(grant.ctx()).await?, grant, id, airs).await?;
    let asked = LiveDay {
        year: u16::try_from(day.year()).unwrap_or_default(),
        month: u8::try_from(day.month()).unwrap_or_default(),
        day: u8::try_from(day.day()).unwrap_or_default(),
    };
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().live_day(call.account_ref(), &asked).await;
    let told = call.settle(answer).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    for session in &told.sessions {
        let row = LiveRoomRow {
            room_id: session.room_id.clone(),
            title: None,
            day: Some(day.to_string()),
            started_at: session.started_at.unwrap_or(tx.now()),
            seconds: session.seconds,
            on_air: session.on_air,
            figures: json!(session.figures),
            products: json!(session.products),
            read_at: tx.now(),
        };
        room_figures(&mut tx, id, &row).await?;
    }
    let board = board(&tx, account).await?;
    tx.commit().await?;
    Ok((board, told.more))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qianpu_domain::time::Span;

    #[test]
    fn days_are_those_of_beijing() {
        // 2026-11-21T16:00:00Z is midnight there.
        let midnight = Timestamp::from_seconds(1_795_276_800);
        assert_eq!(today(midnight).to_string(), "2026-11-22");
        assert_eq!(today(midnight.minus(Span::seconds(1))).to_string(), "2026-11-21");
        assert!(day_of("2026-11-22", midnight).is_ok());
        for text in ["2026-11-23", "2023-12-31", "21.11.2026", "", "2026-02-30"] {
            assert!(day_of(text, midnight).is_err(), "{text}");
        }
    }
}
