import type { SaveOptions } from "../file-output";
import { list, type PagePromise } from "../page";
import { requestParams } from "../params";
import type { FileInput, FileObject, ListOptions, Page, RequestOptions } from "../types";
import { Resource } from "./resource";

/** What `files.create` takes. */
export type FileCreateOptions = SaveOptions & {
  filename?: string | undefined;
  content_type?: string | undefined;
};

/** Uploaded files, for inputs of more than one prediction. They live for 24 hours. */
export class Files extends Resource {
  /**
   * Uploads a file of at most 100 MB. Its `urls.get` can stand in any input. `POST /files`
   *
   * @param options.filename the name to keep; that of a `File` by default
   * @param options.content_type its type; that of a `Blob` by default, or told from its content
   * @param options.onProgress told of the bytes as they go; `total` is null where it is not known
   * @throws {FileTooLargeError} if it is too large, before anything is sent
   * @example
   * const file = await replicate.files.create(new Blob(["hello"]), { purpose: "test" });
   */
  create(
    file: FileInput,
    metadata?: Record<string, unknown>,
    options: FileCreateOptions = {},
  ): Promise<FileObject> {
    const observe = options?.onProgress as ((told: unknown) => void) | undefined;
    const params = { file, metadata, ...requestParams(options) };
    return this.bridge.call("files.create", params, { signal: options?.signal, observe });
  }

  /** What is known of a file (not its bytes). `GET /files/{id}` */
  get(id: string, options: RequestOptions = {}): Promise<FileObject> {
    return this.bridge.call("files.get", { id, ...requestParams(options) }, options);
  }

  /** Files of this account. `GET /files` */
  list<P extends PagePromise<FileObject> = PagePromise<FileObject>>(options?: ListOptions): P;
  list<_P extends PagePromise<FileObject> = PagePromise<FileObject>>(
    options?: ListOptions,
  ): Promise<Page<FileObject>>;
  list(options: ListOptions = {}): PagePromise<FileObject> {
    return list(this.bridge, "files.list", requestParams(options), options);
  }

  /**
   * Deletes a file. `DELETE /files/{id}`
   *
   * @returns true
   */
  delete(id: string, options: RequestOptions = {}): Promise<boolean> {
    return this.bridge.call("files.delete", { id, ...requestParams(options) }, options);
  }

  /**
   * The bytes of a file, by a signature made with the signing secret of the Files API.
   * `GET /files/{id}/download`
   *
   * @param link.expiry when the signature ends, in Unix seconds
   */
  download(
    id: string,
    link: { owner: string; expiry: number; signature: string },
    options: RequestOptions = {},
  ): Promise<Uint8Array> {
    return this.bridge.call("files.download", { id, ...link, ...requestParams(options) }, options);
  }
}
