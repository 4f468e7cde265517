//! The table of operations, with one line for each.

use futures_util::TryStreamExt;

#[cfg(not(target_arch = "wasm32"))]
use super::read_url::ReadUrl;
use super::{
    Item, Items,
    output_work::{FileAction, OutputWork},
    params::{Content, Cursor, FileUrl, Id, Nothing, OutputOf, SaveFile, Slug},
    raw_request::{PagePath, RawRequest},
    streams::{OutputItems, changes, file_bytes, output_items, pages, prediction_events, run_events},
    webhooks::Received,
};
use crate::{
    client::{
        Client,
        call::{Ready, Work},
        response::{Payload, Reply},
    },
    error::{Error, Result, decode_params},
    files::save_all::SaveAllParams,
    http::request::RequestOptions,
    map::params::MapParams,
    platform::BoxFuture,
    predictions::{
        create::{CreateBelow, CreateParams},
        handle_result::{HandleResult, ResultParams},
        resource::ListPredictions,
        run_params::RunParams,
        submit::Submit,
        target::Target,
        wait::{OfPrediction, WaitParams},
        watch::WatchParams,
    },
    resources::{
        deployments::{NewDeployment, UpdateParams},
        files::{CreateFileParams, DownloadParams},
        models::{ListModels, NewModel, OfModel, UpdateModel},
        owner_and_name::OwnerAndName,
        search::SearchParams,
        trainings::CreateTrainingParams,
    },
    value::{Observer, Value},
};

/// A call that runs when it is awaited.
type Prepared = BoxFuture<'static, Result<Reply<Payload>>>;

/// Declares both tables: `frequent` and `calls` have one result, `streams` have many. `lists` are in both: a call returns one
/// page, a stream all pages. `unlisted` are streams that only a binding opens; the web has none.
///
/// Operations that programs call often have functions of their own. WebAssembly is compiled function by function, and a
/// function with all operations would be compiled, and optimized, for one.
macro_rules! operations {
    (
        frequent { $($often:literal ($often_client:ident, $often_params:ident: $often_type:ty) => $often_work:expr,)* }
        calls { $($name:literal ($client:ident, $params:ident: $type:ty) => $work:expr,)* }
        lists { $($list:literal ($list_client:ident, $list_params:ident: $list_type:ty) => $first_page:expr,)* }
        streams { $($stream:literal ($stream_client:ident, $stream_params:ident: $stream_type:ty, $options:ident) => $items:expr,)* }
        unlisted { $($own:literal ($own_client:ident, $own_params:ident: $own_type:ty, $own_options:ident) => $own_items:expr,)* }
    ) => {
        /// The names of all operations that [`call`](super::call) runs.
        pub const OPERATIONS: &[&str] = &[$($often,)* $($name,)* $($list,)*];

        /// The names of all operations that [`open`](super::open) runs.
        pub const STREAMS: &[&str] = &[$($stream,)* $($list,)*];

        pub(super) fn prepare_call(
            client: &Client,
            name: &str,
            params: Value,
            options: RequestOptions,
            observer: Option<Observer>,
        ) -> Result<Prepared> {
            match name {
                $($often => {
                    #[inline(never)]
                    fn prepare(
                        $often_client: &Client,
                        name: &str,
                        params: Value,
                        options: RequestOptions,
                        observer: Option<Observer>,
                    ) -> Result<Prepared> {
                        let $often_params = decode_params::<$often_type>(name, params)?;
                        Ok(call_as_text($often_work, options, observer))
                    }
                    prepare(client, name, params, options, observer)
                })*
                name => prepare_other(client, name, params, options, observer),
            }
        }

        #[inline(never)]
        fn prepare_other(
            client: &Client,
            name: &str,
            params: Value,
            options: RequestOptions,
            observer: Option<Observer>,
        ) -> Result<Prepared> {
            match name {
                // Boxed per operation: one future for all would be as large as the largest.
                $($name => {
                    let ($client, $params) = (client, decode_params::<$type>(name, params)?);
                    Ok(call_as_text($work, options, observer))
                })*
                $($list => {
                    let ($list_client, $list_params) = (client, decode_params::<$list_type>(name, params)?);
                    Ok(call_as_text($first_page, options, observer))
                })*
                _ => Err(Error::invalid(format!("unknown operation {name:?}"))),
            }
        }

        pub(super) fn prepare_stream(
            client: &Client,
            name: &str,
            params: Value,
            options: RequestOptions,
        ) -> Result<Items> {
            match name {
                $($stream => {
                    let ($stream_client, $stream_params, $options) =
                        (client, decode_params::<$stream_type>(name, params)?, options);
                    $items
                })*
                $(#[cfg(not(target_arch = "wasm32"))]
                $own => {
                    let ($own_client, $own_params, $own_options) =
                        (client, decode_params::<$own_type>(name, params)?, options);
                    $own_items
                })*
                $($list => {
                    let ($list_client, $list_params) = (client, decode_params::<$list_type>(name, params)?);
                    Ok(pages($first_page, options))
                })*
                _ => Err(Error::invalid(format!("unknown stream operation {name:?}"))),
            }
        }
    };
}

fn call_as_text<W: Work>(mut work: W, options: RequestOptions, observer: Option<Observer>) -> Prepared {
    *work.options_mut() = options;
    if let Some(observer) = observer {
        work.set_observer(observer);
    }
    work.call_as_text()
}

operations! {
    frequent {
        "predictions.create" (client, p: CreateParams) => p.create(client)?,
    }
    calls {
        "account.get" (client, _p: Nothing) => client.account(),
        "collections.get" (client, p: Slug) => client.collections().get(&p.slug),
        "deployments.create" (client, p: NewDeployment) => client.deployments().create(&p),
        "deployments.delete" (client, p: OwnerAndName) => { let (owner, name) = p.split()?; client.deployments().delete(&owner, &name) },
        "deployments.get" (client, p: OwnerAndName) => { let (owner, name) = p.split()?; client.deployments().get(&owner, &name) },
        "deployments.predictions.create" (client, p: CreateBelow) => p.create(client, Target::Deployment)?,
        "deployments.update" (client, p: UpdateParams) => { let (owner, name) = p.deployment.split()?; client.deployments().update(&owner, &name, &p.change) },
        "files.create" (client, p: CreateFileParams) => p.create(client),
        "files.delete" (client, p: Id) => client.files().delete(&p.id),
        "files.download" (client, p: DownloadParams) => client.files().download(&p.id, &p.owner, p.expiry, &p.signature),
        "files.get" (client, p: Id) => client.files().get(&p.id),
        "hardware.list" (client, _p: Nothing) => client.hardware(),
        "models.create" (client, p: NewModel) => client.models().create(&p),
        "models.delete" (client, p: OwnerAndName) => { let (owner, name) = p.split()?; client.models().delete(&owner, &name) },
        "models.get" (client, p: OwnerAndName) => { let (owner, name) = p.split()?; client.models().get(&owner, &name) },
        "models.predictions.create" (client, p: CreateBelow) => p.create(client, Target::of_model)?,
        "models.readme.get" (client, p: OwnerAndName) => { let (owner, name) = p.split()?; client.models().readme(&owner, &name) },
        "models.update" (client, p: UpdateModel) => { let (owner, name) = p.model.split()?; client.models().update(&owner, &name, &p.change) },
        "models.versions.delete" (client, p: OfModel) => { let (owner, name) = p.split()?; client.models().versions().delete(&owner, &name, p.id()?) },
        "models.versions.get" (client, p: OfModel) => { let (owner, name) = p.split()?; client.models().versions().get(&owner, &name, p.id()?) },
        "output.bytes" (client, p: FileUrl) => OutputWork::new(client, &p.url, FileAction::Bytes),
        "output.head" (client, p: FileUrl) => OutputWork::new(client, &p.url, FileAction::Head),
        "output.save" (client, p: SaveFile) => OutputWork::new(client, &p.url, FileAction::Save(p.path)),
        "output.save_all" (client, p: SaveAllParams) => p.save(client),
        "predictions.cancel" (client, p: Id) => client.predictions().cancel(&p.id),
        "predictions.get" (client, p: Id) => client.predictions().get(&p.id),
        "predictions.output" (client, p: OutputOf) => Ready::new(Ok(client.with_files(p.output))),
        "predictions.result" (client, p: ResultParams) => HandleResult::of_params(client, p),
        "predictions.wait" (client, p: WaitParams) => client.predictions().wait_params(p),
        "request" (client, p: RawRequest) => p.call(client),
        "run" (client, p: RunParams) => p.run(client),
        "search" (client, p: SearchParams) => client.search(&p.query, p.limit),
        "submit" (client, p: RunParams) => Submit::of_params(client, p)?,
        "trainings.cancel" (client, p: Id) => client.trainings().cancel(&p.id),
        "trainings.create" (client, p: CreateTrainingParams) => p.create(client)?,
        "trainings.get" (client, p: Id) => client.trainings().get(&p.id),
        "webhooks.default.secret.get" (client, _p: Nothing) => client.webhooks().secret(),
        "webhooks.unwrap" (client, p: Received) => p.unwrap(client)?,
    }
    lists {
        "collections.list" (client, p: Cursor) => client.collections().list().maybe_cursor(p.cursor),
        "deployments.list" (client, p: Cursor) => client.deployments().list().maybe_cursor(p.cursor),
        "files.list" (client, p: Cursor) => client.files().list().maybe_cursor(p.cursor),
        "models.examples.list" (client, p: OfModel) => { let (owner, name) = p.split()?; client.models().examples(&owner, &name).maybe_cursor(p.cursor) },
        "models.list" (client, p: ListModels) => client.models().list_params(p),
        "models.search" (client, p: SearchParams) => client.models().search(&p.query),
        "models.versions.list" (client, p: OfModel) => { let (owner, name) = p.split()?; client.models().versions().list(&owner, &name).maybe_cursor(p.cursor) },
        "predictions.list" (client, p: ListPredictions) => client.predictions().list_params(p),
        "trainings.list" (client, p: Cursor) => client.trainings().list().maybe_cursor(p.cursor),
    }
    streams {
        "map" (client, p: MapParams, options) => Ok(Box::pin(p.messages(client, options)?.map_ok(Item::Value))),
        "output.read" (client, p: Content, options) => Ok(file_bytes(client, p, options)),
        "paginate" (client, p: PagePath, options) => Ok(pages(p.list(client), options)),
        "predictions.output_iterator" (client, p: OutputItems, options) => Ok(output_items(client, p, options)),
        "predictions.stream" (client, p: OfPrediction, options) => Ok(prediction_events(client, p, options)),
        "predictions.watch" (client, p: WatchParams, options) => changes(client, p, options),
        "stream" (client, p: RunParams, options) => run_events(client, p, options),
    }
    unlisted {
        "request.read" (client, p: ReadUrl, options) => p.read(client, options),
    }
}
