// Opens the store of conversations: in IndexedDB where the browser lets this site keep something, else in memory for as
// long as a tab is open. Called by the host's entries.

import { lasting } from '../storage/lasting.js';
import { ConversationStore } from './conversation-store.js';
import { IndexedDbMedium } from './indexeddb-medium.js';
import { MemoryMedium, type ConversationMedium } from './medium.js';

/** @param name of the database, for tests */
export async function openConversations(name?: string): Promise<ConversationStore> {
  let medium: ConversationMedium;
  try {
    medium = await lasting(() => IndexedDbMedium.open(name));
  } catch {
    medium = new MemoryMedium(); // its kind says so, and elements show that nothing is kept
  }
  return new ConversationStore(medium);
}
