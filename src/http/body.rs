//! Answers' bodies: warp's, or a stream of our own.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Frame, SizeHint};

/// Names the body type of warp's answers, which warp keeps private.
pub(super) trait Answer {
    /// The body.
    type Body;
}

impl<B> Answer for http::Response<B> {
    type Body = B;
}

type WarpBody = <warp::reply::Response as Answer>::Body;

/// A body for hyper.
pub(super) enum Body {
    /// Made by a route.
    Warp(WarpBody),
    /// A live stream; never fails, only ends.
    Stream(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl Body {
    /// Nothing.
    pub(super) fn empty() -> Self {
        Self::Warp(WarpBody::default())
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = warp::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, warp::Error>>> {
        match self.get_mut() {
            Self::Warp(body) => Pin::new(body).poll_frame(cx),
            Self::Stream(stream) => {
                stream.as_mut().poll_next(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Warp(body) => body.is_end_stream(),
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Warp(body) => body.size_hint(),
            Self::Stream(_) => SizeHint::new(),
        }
    }
}
