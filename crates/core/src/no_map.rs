//! Replaces `map` on the web, where a program cannot run for long and has no files for a checkpoint.

pub(crate) mod options {
    use crate::value::options::{OptionSpec, OptionTable};

    pub(crate) struct MapOptions;

    impl OptionTable for MapOptions {
        const TABLE: &'static [OptionSpec] = &[];
    }
}

pub(crate) mod params {
    use crate::{
        client::Client,
        error::{Error, ErrorKind, Params, Result},
        http::request::RequestOptions,
        platform::BoxStream,
        value::{DecodeError, Value},
    };

    pub(crate) struct MapParams;

    pub(crate) use self::{MapParams as BatchParams, MapParams as PushParams, MapParams as RowParams};

    impl Params for MapParams {
        fn decode(_: Value) -> Result<Self, DecodeError> {
            Ok(Self)
        }
    }

    impl MapParams {
        pub fn messages(self, _: &Client, _: RequestOptions) -> Result<BoxStream<'static, Result<Value>>> {
            unsupported()
        }

        pub fn add(self) -> Result<Value> {
            unsupported()
        }

        pub fn push(self) -> Result<Value> {
            unsupported()
        }

        pub fn stats(self) -> Result<Value> {
            unsupported()
        }

        pub fn stop(self) -> Result<Value> {
            unsupported()
        }
    }

    fn unsupported<T>() -> Result<T> {
        let message = "`map` needs an operating system; create the predictions with `webhook`, or run the batch elsewhere";
        Err(Error::new(ErrorKind::Unsupported, message))
    }
}
