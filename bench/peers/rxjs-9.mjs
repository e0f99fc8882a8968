import { replaySubject } from 'rxjs-9';

export const how = '`replaySubject({})` of the beta, subscribed to directly';

export const open = () => replaySubject({});
