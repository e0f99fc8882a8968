// A program that has RxJS 7, or none of its own: `instanceof` tells whether its Observable is the journal's.
import { InMemoryScrivener } from 'rx-scrivener';
import { map, Observable } from 'rxjs';

const scrivener = new InMemoryScrivener();
scrivener.append('hello');
scrivener
  .tail()
  .pipe(map(({ position, entry }) => `${position} ${entry}`))
  .subscribe((text) => console.log(text, scrivener.tail() instanceof Observable));
