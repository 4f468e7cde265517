import { merge, requestParams, singleParams } from "../call-options";
import type { Bytes, FileOutput } from "../file-output";
import { progressOptions } from "../observer";
import type { ListOptions, RequestOptions, SaveOptions } from "../options";
import { list, type PagePromise } from "../page";
import type { FileObject, Page } from "../types";
import { AS_TEXT } from "../value";
import { Resource } from "./resource";

/** A file: in an input, or as the argument of `files.create`. */
export type FileInput =
  | Blob
  | ArrayBuffer
  | ArrayBufferView
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>
  | FileOutput
  | URL;

/** Options of `files.create`. */
export type FileCreateOptions = SaveOptions & {
  /** Name of the file. Defaults to that of a `File`. */
  filename?: string | undefined;
  /** MIME type. Defaults to that of a `Blob`, otherwise it is detected from the content. */
  content_type?: string | undefined;
};

/** Returns whether `file` is a FileOutput, which as a parameter crosses to the core as its URL. */
function isFileOutput(file: unknown): file is FileOutput {
  return AS_TEXT in Object(file);
}

/** Methods of uploaded files. The API keeps a file for 24 hours. */
export class Files extends Resource {
  /**
   * Uploads a file of at most 100 MiB. Pass its `urls.get` in any number of inputs. `POST /files`
   *
   * @param file a FileOutput is downloaded first
   * @param metadata stored with the file
   * @throws {FileTooLargeError} if the file is too large; nothing is sent
   * @throws {InvalidArgumentError} if the file is a stream that was already read; nothing is sent
   * @example
   * const file = await replicate.files.create(new Blob(["hello"]), { purpose: "test" });
   */
  create(
    file: Exclude<FileInput, URL>,
    metadata?: Record<string, unknown>,
    options: FileCreateOptions = {},
  ): Promise<FileObject> {
    if (isFileOutput(file)) {
      return file.blob({ signal: options?.signal }).then((blob) => this.create(blob, metadata, options));
    }
    const params = merge({ file, metadata }, requestParams(options));
    return this.calls.call("files.create", params, progressOptions(options));
  }

  /**
   * Returns the metadata of a file. `GET /files/{id}`
   *
   * @throws {NotFoundError} if there is no such file
   */
  get(id: string, options: RequestOptions = {}): Promise<FileObject> {
    return this.calls.call("files.get", singleParams({ id }, options), options);
  }

  /**
   * Lists the files of this account. `GET /files`
   *
   * @throws {AuthenticationError} if the API refuses the token
   */
  list<P extends PagePromise<FileObject> = PagePromise<FileObject>>(options?: ListOptions): P;
  list<_P extends PagePromise<FileObject> = PagePromise<FileObject>>(
    options?: ListOptions,
  ): Promise<Page<FileObject>>;
  list(options: ListOptions = {}): PagePromise<FileObject> {
    return list(this.calls, "files.list", requestParams(options), options);
  }

  /**
   * Deletes a file. `DELETE /files/{id}`
   *
   * @returns true
   * @throws {NotFoundError} if there is no such file
   */
  delete(id: string, options: RequestOptions = {}): Promise<boolean> {
    return this.calls.call("files.delete", singleParams({ id }, options), options);
  }

  /**
   * Downloads a file. `GET /files/{id}/download`
   *
   * @param link.expiry time at which the signature expires, in Unix seconds
   * @param link.signature made with the signing secret of the Files API
   * @throws {NotFoundError} if there is no such file, or its link has expired
   */
  download(
    id: string,
    link: { owner: string; expiry: number; signature: string },
    options: RequestOptions = {},
  ): Promise<Bytes> {
    return this.calls.call("files.download", merge({ id }, link, requestParams(options)), options);
  }
}
