/** What `sending.js` uses of tus-js-client, which a classic script puts into the window. */
export interface TusUpload {
  url: string | null;
  start(): void;
  abort(terminate?: boolean): Promise<void>;
  findPreviousUploads(): Promise<unknown[]>;
  resumeFromPreviousUpload(previous: unknown): void;
}
export interface TusError extends Error {
  originalResponse: { getStatus(): number; getBody(): string; getHeader(name: string): string | undefined } | null;
}
export interface Tus {
  Upload: new (
    file: File,
    options: {
      endpoint: string;
      metadata: Record<string, string>;
      chunkSize: number;
      retryDelays: null;
      removeFingerprintOnSuccess: boolean;
      fingerprint: () => Promise<string>;
      onBeforeRequest: (request: { setHeader(name: string, value: string): void }) => void;
      onProgress: (sent: number, total: number) => void;
      onSuccess: () => void;
      onError: (error: TusError) => void;
    },
  ) => TusUpload;
}
