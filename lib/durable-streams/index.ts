// Server
export {
  durableStream,
  durableStreams,
  type DurableStreamOptions,
  type DurableStreamsOptions,
} from './durable-streams';
export type { ServedJournals } from './served-journals';
export type { StreamOptions } from './stream-options';
export type {
  Append as StreamAppend,
  Creation as StreamCreation,
  Producer as StreamProducer,
  StreamRecord,
} from './stream-record';

// Client
export { openDurableStream, type DurableStreamConfig, type StreamHeaders } from './open-durable-stream';
export { DurableStream } from './durable-stream';

// Errors
export { HttpStatusError } from '../errors/http-status-error';
export { NotSupportedError } from '../errors/not-supported-error';
export { SerializationError } from '../errors/serialization-error';
