//! The body of a request, read once and within its limit, before anything looks at it.

use super::input::JSON_LIMIT;
use crate::error::ApiError;
use crate::state::AppState;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{self, Bytes, BytesMut};
use actix_web::{HttpMessage, HttpRequest};
use futures_util::StreamExt;
use qianpu_domain::error::ErrorCode;
use sha2::{Digest, Sha256};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// A client that needs longer for its body is cut off, however much comes.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// So is one that has sent less than this for each second after the first ones.
const LEAST_BYTES_PER_SECOND: usize = 1024;
const FIRST_SECONDS: Duration = Duration::from_secs(8);

/// Until when the next part has to come, when so much has.
fn next_part_by(started: Instant, received: usize) -> Instant {
    let earned = Duration::from_secs((received / LEAST_BYTES_PER_SECOND) as u64);
    started + (FIRST_SECONDS + earned).min(BODY_TIMEOUT)
}

/// Memory taken before the first byte came.
const FIRST_BYTES: usize = 16 * 1024;
/// When to try again when there was no room.
const TRY_AGAIN_SECONDS: u32 = 3;

/// The body of a request that was refused before its end. As long as somebody holds it when the answer ends, the server
/// ends the connection too; one that was let go it would read on to the end, a gigabyte in parts as well.
pub struct Unread {
    _payload: Payload,
}

impl Unread {
    /// An answer that holds the request's body to its own end.
    pub fn held_by(self, answer: BoxBody) -> BoxBody {
        BoxBody::new(Holding { answer, _unread: self })
    }
}

struct Holding {
    answer: BoxBody,
    _unread: Unread,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;
    fn size(&self) -> BodySize {
        self.answer.size()
    }
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(cx)
    }
}

/// Reads with `work`; a body that is refused is kept for the answer.
pub(super) async fn keeping_refused<T>(
    request: &HttpRequest,
    mut payload: Payload,
    work: impl AsyncFnOnce(&mut Payload) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let outcome = work(&mut payload).await;
    if outcome.is_err() {
        request.extensions_mut().insert(Unread { _payload: payload });
    }
    outcome
}

/// Room for a large body, of which there is only so much in the process; given back when the request is over.
struct Room {
    all: Option<Arc<Semaphore>>,
    taken: Vec<OwnedSemaphorePermit>,
    kilobytes: usize,
}

/// Kept with the request, since its handler has the bytes for as long.
struct Kept {
    _taken: Vec<OwnedSemaphorePermit>,
}

impl Room {
    /// Taken in such parts, so that a body that grows does not ask for each chunk.
    const PART: usize = 256;

    fn of(request: &HttpRequest) -> Self {
        let state = request.app_data::<web::Data<AppState>>();
        Self { all: state.map(|state| state.bodies.clone()), taken: Vec::new(), kilobytes: 0 }
    }

    /// Makes sure of room for so many bytes. Small bodies need none, so that uploads do not keep anybody from the rest.
    fn for_bytes(&mut self, bytes: usize) -> Result<(), ApiError> {
        let Some(all) = &self.all else { return Ok(()) };
        while bytes > JSON_LIMIT && bytes.div_ceil(1024) > self.kilobytes {
            let full = || ApiError::new(ErrorCode::Unavailable).retry_after(TRY_AGAIN_SECONDS);
            let part = u32::try_from(Self::PART).unwrap_or(1);
            let taken = all.clone().try_acquire_many_owned(part).map_err(|_| full())?;
            self.taken.push(taken);
            self.kilobytes += Self::PART;
        }
        Ok(())
    }

    fn keep_for(self, request: &HttpRequest) {
        if !self.taken.is_empty() {
            request.extensions_mut().insert(Kept { _taken: self.taken });
        }
    }
}

/// A read body and what the head says about it.
pub struct Body {
    pub bytes: Bytes,
    content_type: String,
}

impl Body {
    /// A body that is not there.
    pub fn empty() -> Self {
        Self { bytes: Bytes::new(), content_type: String::new() }
    }

    /// Reads at most `limit` bytes; a longer body is refused as soon as it is known to be longer.
    pub async fn read(request: &HttpRequest, payload: &mut Payload, limit: usize) -> Result<Self, ApiError> {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let too_large = || {
            let detail = format!("at most {limit} bytes are accepted here");
            ApiError::new(ErrorCode::PayloadTooLarge).with_detail(detail)
        };
        let announced = header(header::CONTENT_LENGTH).and_then(|text| text.parse::<usize>().ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        // What is announced is not believed: memory is taken as the body comes.
        let mut bytes = BytesMut::with_capacity(announced.unwrap_or(0).min(FIRST_BYTES));
        let mut room = Room::of(request);
        let started = Instant::now();
        let late = |_| ApiError::bad_request("the body did not arrive in time");
        loop {
            let part = tokio::time::timeout_at(next_part_by(started, bytes.len()), payload.next()).await;
            let Some(chunk) = part.map_err(late)? else { break };
            let chunk = chunk.map_err(|_| ApiError::bad_request("the body ended early"))?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_large());
            }
            room.for_bytes(bytes.len() + chunk.len())?;
            bytes.extend_from_slice(&chunk);
        }
        room.keep_for(request);
        let content_type = header(header::CONTENT_TYPE).unwrap_or_default().to_owned();
        Ok(Self { bytes: bytes.freeze(), content_type })
    }

    /// The media type without its parameters.
    pub fn content_type_is(&self, expected: &str) -> bool {
        let own = self.content_type.split(';').next().unwrap_or_default().trim();
        own.eq_ignore_ascii_case(expected)
    }
    /// The whole `Content-Type`.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }
    /// SHA-256 of what the body says: of JSON without blanks and with sorted fields, since a client library
    /// may write them in another order when it tries again; of the bytes for everything else.
    pub fn fingerprint(&self) -> [u8; 32] {
        match serde_json::from_slice::<serde_json::Value>(&self.bytes) {
            Ok(mut json) => {
                json.sort_all_objects();
                Sha256::digest(json.to_string()).into()
            }
            Err(_) => Sha256::digest(&self.bytes).into(),
        }
    }
}
