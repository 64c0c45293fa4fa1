// After a whole page was sent, focus goes to what is to be put right, else to the message: it is read then.
import { all } from "./page.js";

const [first] = [...all(".bad[data-focus]"), ...all("[data-focus]")];
first?.focus();
