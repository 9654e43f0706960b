# ruff: noqa: E501
r"""Translations written for these tests, good ones and broken ones, of problems of GSM8K and DeepScaleR (both MIT).

A good one says what the original says in the way of its language: "at most" without a negation, an inequality in words,
two sentences as one, `\cos\omega x` with brackets. A broken one changes one thing.
"""

BOOKS = (
    "Ten identical books cost no more than 11 rubles, whereas 11 of the same books cost more than 12 rubles. "
    "How much does one book cost?"
)
NAT = r"Find the number of natural numbers \( k \) not exceeding 353500 such that \( k^{2} + k \) is divisible by 505."
ARRAYS = (
    r"How many different $4\times 4$ arrays whose entries are all 1's and -1's have the property that the sum of the "
    "entries in each row is 0 and the sum of the entries in each column is 0?"
)
PEN = "A magazine costs half as much as a book. The book costs $4. A pen costs $1 less than a magazine. How much is the pen?"
OMEGA = r"The function $f(x)=\cos \omega x -1$ $(\omega>0)$ has 3 roots on $[0, 2\pi]$. What is the range of $\omega$?"
SALARY = "Adrien earned $40000 four years ago. His salary has risen by 40% since then. How much does he earn now?"
BALLS = "How many ways are there to put 4 balls in 3 boxes if the balls are not distinguishable but the boxes are?"
RECT = (
    "A rectangle has a perimeter of 80 inches and an area greater than 240 square inches. "
    "How many non-congruent rectangles meet these criteria?"
)
NSIN = (
    r"For how many positive integers $n$ less than or equal to 1000 is $(\sin t+i\cos t)^n=\sin nt+i\cos nt$ true for "
    r"all real $t$?"
)
COTS = r"For $x$ a real number, let $f(x)=0$ if $x<1$ and $f(x)=2x-2$ if $x \geq 1$. Solve $f(f(x))=x$."
PARTS = "A candle melts by 2 centimeters every hour. (a) How long is it after 3 hours if it was 20 centimeters long? (b) When is it gone?"
TABLES = (
    "A restaurant has 40 tables with 4 legs and 50 tables with 3 legs. "
    "Calculate the total number of legs the restaurant's tables have."
)
COOKIES = (
    "Cody eats three times as many cookies as Amir eats. If Amir eats 5 cookies, how many cookies do both of them eat "
    "together?"
)
TEN = "How many ten-digit numbers exist in which there are at least two identical digits?"
DERIVE = r"Find the derivative of the function $y = 100 /\left(100-x^{2}\right)$ at $x=2$."
RUN = "James runs 3 sprints. He runs 60 meters each sprint. How many meters does he run?"

GOOD = [
    (
        "de",
        BOOKS,
        "Zehn gleiche Bücher kosten höchstens 11 Rubel, während 11 der gleichen Bücher mehr als 12 Rubel kosten. Wie viel kostet ein Buch?",
    ),
    ("zh", BOOKS, "十本相同的书最多花费11卢布，而11本这样的书花费超过12卢布。一本书多少钱？"),
    (
        "ru",
        BOOKS,
        "Десять одинаковых книг стоят самое большее 11 рублей, а 11 таких книг стоят больше 12 рублей. Сколько стоит одна книга?",
    ),
    (
        "fr",
        BOOKS,
        "Dix livres identiques coûtent au plus 11 roubles, alors que 11 de ces livres coûtent plus de 12 roubles. Combien coûte un livre ?",
    ),
    (
        "es",
        BOOKS,
        "Diez libros idénticos cuestan como máximo 11 rublos, mientras que 11 de esos libros cuestan más de 12 rublos. ¿Cuánto cuesta un libro?",
    ),
    (
        "it",
        BOOKS,
        "Dieci libri identici costano al massimo 11 rubli, mentre 11 degli stessi libri costano più di 12 rubli. Quanto costa un libro?",
    ),
    (
        "de",
        NAT,
        r"Finden Sie die Anzahl der natürlichen Zahlen \( k \) bis höchstens 353500, für die \( k^{2} + k \) durch 505 teilbar ist.",
    ),
    ("zh", NAT, r"求小于等于353500的自然数 \( k \) 的个数，使得 \( k^{2} + k \) 能被505整除。"),
    (
        "ru",
        NAT,
        r"Найдите количество натуральных чисел \( k \) вплоть до 353500 включительно, для которых \( k^{2} + k \) делится на 505.",
    ),
    (
        "fr",
        NAT,
        r"Trouvez le nombre d'entiers naturels \( k \) inférieurs ou égaux à 353500 tels que \( k^{2} + k \) soit divisible par 505.",
    ),
    (
        "es",
        NAT,
        r"Encuentre la cantidad de números naturales \( k \) menores o iguales que 353500 tales que \( k^{2} + k \) sea divisible por 505.",
    ),
    (
        "it",
        NAT,
        r"Trova il numero di numeri naturali \( k \) minori o uguali a 353500 tali che \( k^{2} + k \) sia divisibile per 505.",
    ),
    (
        "de",
        ARRAYS,
        r"Wie viele verschiedene $4\times 4$-Felder, deren Einträge alle Einsen und minus Einsen sind, haben die Eigenschaft, dass die Summe der Einträge in jeder Zeile 0 und die Summe der Einträge in jeder Spalte 0 ist?",
    ),
    (
        "fr",
        ARRAYS,
        r"Combien y a-t-il de tableaux $4\times 4$ différents, dont les entrées sont toutes des 1 et des -1, tels que la somme des entrées de chaque ligne soit 0 et que la somme des entrées de chaque colonne soit 0 ?",
    ),
    ("zh", ARRAYS, r"有多少个不同的 $4\times 4$ 数表，其元素全为1和-1，且每行元素之和为0，每列元素之和为0？"),
    (
        "ru",
        ARRAYS,
        r"Сколько существует различных таблиц $4\times 4$ из единиц и минус единиц, у которых сумма чисел в каждой строке равна 0 и сумма чисел в каждом столбце равна 0?",
    ),
    (
        "it",
        ARRAYS,
        r"Quante tabelle $4\times 4$ diverse, i cui elementi sono tutti 1 e -1, hanno la proprietà che la somma degli elementi di ogni riga è 0 e la somma degli elementi di ogni colonna è 0?",
    ),
    (
        "de",
        PEN,
        "Eine Zeitschrift kostet halb so viel wie ein Buch. Das Buch kostet 4 Dollar. Ein Stift kostet 1 Dollar weniger als eine Zeitschrift. Wie viel kostet der Stift?",
    ),
    (
        "fr",
        PEN,
        "Un magazine coûte deux fois moins cher qu'un livre. Le livre coûte 4 $ et un stylo coûte 1 $ de moins qu'un magazine. Combien coûte le stylo ?",
    ),
    (
        "es",
        PEN,
        "Una revista cuesta la mitad que un libro. El libro cuesta 4 dólares. Un bolígrafo cuesta 1 dólar menos que una revista. ¿Cuánto cuesta el bolígrafo?",
    ),
    (
        "it",
        PEN,
        "Una rivista costa la metà di un libro. Il libro costa 4 dollari. Una penna costa 1 dollaro meno di una rivista. Quanto costa la penna?",
    ),
    (
        "ru",
        PEN,
        "Журнал стоит вдвое дешевле книги. Книга стоит 4 доллара, а ручка на 1 доллар дешевле журнала. Сколько стоит ручка?",
    ),
    ("zh", PEN, "一本杂志的价格是一本书的一半。这本书4美元，一支笔比一本杂志便宜1美元。这支笔多少钱？"),
    (
        "de",
        OMEGA,
        r"Die Funktion $f(x)=\cos(\omega x) - 1$ $(\omega>0)$ hat 3 Nullstellen auf $[0, 2\pi]$. Was ist der Wertebereich von $\omega$?",
    ),
    (
        "it",
        OMEGA,
        r"La funzione $f(x)=\cos(\omega x)-1$, con $\omega>0$, ha 3 radici su $[0, 2\pi]$. Qual è l'intervallo dei valori di $\omega$?",
    ),
    (
        "es",
        OMEGA,
        r"La función $f(x)=\cos \omega x -1$ con $\omega$ mayor que 0 tiene 3 raíces en $[0, 2\pi]$. ¿Cuál es el rango de $\omega$?",
    ),
    (
        "zh",
        OMEGA,
        r"函数 $f(x)=\cos \omega x -1$（其中 $\omega>0$）在 $[0, 2\pi]$ 上有3个零点，求 $\omega$ 的取值范围。",
    ),
    (
        "fr",
        OMEGA,
        r"La fonction $f(x)=\cos(\omega x)-1$ ($\omega>0$) a 3 racines sur $[0, 2\pi]$. Quel est l'ensemble des valeurs de $\omega$ ?",
    ),
    (
        "de",
        SALARY,
        "Adrien verdiente vor vier Jahren 40.000 US-Dollar. Seitdem ist sein Gehalt um 40 % gestiegen. Wie viel verdient er jetzt?",
    ),
    (
        "fr",
        SALARY,
        "Adrien gagnait 40 000 $ il y a quatre ans. Depuis, son salaire a augmenté de 40 %. Combien gagne-t-il maintenant ?",
    ),
    (
        "es",
        SALARY,
        "Adrien ganaba 40 000 dólares hace cuatro años. Desde entonces su salario ha subido un 40 %. ¿Cuánto gana ahora?",
    ),
    (
        "ru",
        SALARY,
        "Четыре года назад Адриен зарабатывал 40 000 долларов. С тех пор его зарплата выросла на 40%. Сколько он зарабатывает сейчас?",
    ),
    ("zh", SALARY, "阿德里安四年前的收入是4万美元。从那以后他的工资上涨了40%。他现在挣多少钱？"),
    (
        "de",
        BALLS,
        "Auf wie viele Arten kann man 4 gleiche Kugeln auf 3 Kästen verteilen, wenn die Kugeln ununterscheidbar sind, die Kästen aber unterscheidbar?",
    ),
    (
        "fr",
        BALLS,
        "De combien de façons peut-on placer 4 boules dans 3 boîtes si les boules sont indiscernables mais que les boîtes sont discernables ?",
    ),
    (
        "it",
        BALLS,
        "In quanti modi si possono mettere 4 palline in 3 scatole se le palline sono indistinguibili ma le scatole sono distinguibili?",
    ),
    ("zh", BALLS, "把4个相同的球放入3个不同的盒子，共有多少种放法？"),
    (
        "de",
        RECT,
        "Ein Rechteck hat einen Umfang von 80 Zoll und einen Flächeninhalt von mehr als 240 Quadratzoll. Wie viele paarweise verschiedene Rechtecke erfüllen diese Bedingungen?",
    ),
    (
        "es",
        RECT,
        "Un rectángulo tiene un perímetro de 80 pulgadas y un área mayor que 240 pulgadas cuadradas. ¿Cuántos rectángulos no congruentes cumplen estos criterios?",
    ),
    (
        "ru",
        RECT,
        "Периметр прямоугольника равен 80 дюймам, а площадь больше 240 квадратных дюймов. Сколько неравных прямоугольников удовлетворяет этим условиям?",
    ),
    ("zh", NSIN, r"对于多少个不超过1000的正整数 $n$，等式 $(\sin t+i\cos t)^n=\sin nt+i\cos nt$ 对所有实数 $t$ 成立？"),
    (
        "de",
        NSIN,
        r"Für wie viele positive ganze Zahlen $n \le 1000$ gilt $(\sin t+i\cos t)^n=\sin(nt)+i\cos(nt)$ für alle reellen $t$?",
    ),
    (
        "ru",
        NSIN,
        r"Для скольких натуральных чисел $n$, не превосходящих 1000, равенство $(\sin t+i\cos t)^n=\sin nt+i\cos nt$ верно при всех действительных $t$?",
    ),
    (
        "fr",
        COTS,
        r"Pour $x$ réel, soit $f(x)=0$ si $x$ est strictement inférieur à $1$ et $f(x)=2x-2$ si $x \geq 1$. Résolvez $f(f(x))=x$.",
    ),
    (
        "de",
        COTS,
        r"Für eine reelle Zahl $x$ sei $f(x)=0$, falls $x<1$, und $f(x)=2x-2$, falls $x$ größer oder gleich $1$ ist. Lösen Sie $f(f(x))=x$.",
    ),
    (
        "fr",
        PARTS,
        "Une bougie fond de 2 centimètres par heure. (a) Quelle est sa longueur après 3 heures si elle mesurait 20 centimètres ? (b) Quand a-t-elle disparu ?",
    ),
    (
        "ru",
        PARTS,
        "Свеча тает на 2 сантиметра каждый час. (a) Какой длины она будет через 3 часа, если её длина была 20 сантиметров? (b) Когда она сгорит?",
    ),
    ("zh", PARTS, "一支蜡烛每小时融化2厘米。(a) 如果它原来长20厘米，3小时后它有多长？(b) 它什么时候烧完？"),
    (
        "de",
        PARTS,
        "Eine Kerze schmilzt jede Stunde um 2 Zentimeter. (a) Wie lang ist sie nach 3 Stunden, wenn sie 20 Zentimeter lang war? (b) Wann ist sie verschwunden?",
    ),
    (
        "de",
        TABLES,
        "Ein Restaurant hat 40 Tische mit 4 Beinen und 50 Tische mit 3 Beinen. Berechne die Gesamtzahl der Tischbeine im Restaurant.",
    ),
    (
        "fr",
        TABLES,
        "Un restaurant a 40 tables à 4 pieds et 50 tables à 3 pieds. Calculez le nombre total de pieds des tables du restaurant.",
    ),
    (
        "it",
        COOKIES,
        "Cody mangia il triplo dei biscotti di Amir. Se Amir mangia 5 biscotti, quanti biscotti mangiano in tutto i due?",
    ),
    (
        "ru",
        COOKIES,
        "Коди съедает втрое больше печенья, чем Амир. Если Амир съедает 5 печений, сколько печений они съедают вместе?",
    ),
    ("es", TEN, "¿Cuántos números de diez cifras existen en los que hay al menos dos cifras iguales?"),
    ("zh", TEN, "有多少个十位数中至少有两个相同的数字？"),
    ("ru", DERIVE, r"Найдите производную функции $y = \frac{100}{100-x^{2}}$ в точке $x=2$."),
    ("fr", DERIVE, r"Trouvez la dérivée de la fonction $y = \frac{100}{\left(100-x^{2}\right)}$ en $x=2$."),
    ("zh", RUN, "詹姆斯跑3次冲刺，每次跑60米。他一共跑了多少米？"),
    ("fr", RUN, "James court 3 sprints de 60 mètres chacun. Combien de mètres court-il ?"),
    ("de", RUN, "James läuft 3 Sprints, jeder davon 60 Meter lang. Wie viele Meter läuft er?"),
]
"""(language, English, translation)."""

BROKEN = [
    (
        "de",
        BOOKS,
        "Zehn gleiche Bücher kosten mindestens 11 Rubel, während 11 der gleichen Bücher mehr als 12 Rubel kosten. Wie viel kostet ein Buch?",
    ),
    ("zh", BOOKS, "十本相同的书至少花费11卢布，而11本这样的书花费超过12卢布。一本书多少钱？"),
    (
        "fr",
        BOOKS,
        "Dix livres identiques coûtent 11 roubles, alors que 11 de ces livres coûtent plus de 12 roubles. Combien coûte un livre ?",
    ),
    (
        "de",
        NAT,
        r"Finden Sie die Anzahl der natürlichen Zahlen \( k \) bis höchstens 353500, für die \( k^{2} - k \) durch 505 teilbar ist.",
    ),
    ("zh", NAT, r"求大于等于353500的自然数 \( k \) 的个数，使得 \( k^{2} + k \) 能被505整除。"),
    ("ru", NAT, r"Найдите количество натуральных чисел \( k \), для которых \( k^{2} + k \) делится на 505."),
    (
        "de",
        ARRAYS,
        r"Wie viele verschiedene $4\times 4$-Felder, deren Einträge alle Zweien und minus Einsen sind, haben die Eigenschaft, dass die Summe der Einträge in jeder Zeile 0 und die Summe der Einträge in jeder Spalte 0 ist?",
    ),
    (
        "fr",
        ARRAYS,
        r"Combien y a-t-il de tableaux $4\times 5$ différents, dont les entrées sont toutes des 1 et des -1, tels que la somme des entrées de chaque ligne soit 0 et que la somme des entrées de chaque colonne soit 0 ?",
    ),
    (
        "de",
        PEN,
        "Eine Zeitschrift kostet halb so viel wie ein Buch. Das Buch kostet 4 Euro. Ein Stift kostet 1 Dollar weniger als eine Zeitschrift. Wie viel kostet der Stift?",
    ),
    ("zh", PEN, "一本杂志的价格是一本书的一半。这本书4美元。一支笔多少钱？"),
    (
        "ru",
        PEN,
        "Журнал стоит вдвое дешевле книги. Книга стоит 4 доллара, а ручка на 2 доллара дешевле журнала. Сколько стоит ручка?",
    ),
    (
        "de",
        OMEGA,
        r"Die Funktion $f(x)=\cos(\omega) x - 1$ $(\omega>0)$ hat 3 Nullstellen auf $[0, 2\pi]$. Was ist der Wertebereich von $\omega$?",
    ),
    (
        "it",
        OMEGA,
        r"La funzione $f(x)=\sin(\omega x)-1$, con $\omega>0$, ha 3 radici su $[0, 2\pi]$. Qual è l'intervallo dei valori di $\omega$?",
    ),
    (
        "es",
        OMEGA,
        r"La función $f(x)=\cos \omega x -1$ con $\omega$ menor que 0 tiene 3 raíces en $[0, 2\pi]$. ¿Cuál es el rango de $\omega$?",
    ),
    (
        "de",
        SALARY,
        "Adrien verdiente vor vier Jahren 4.000 US-Dollar. Seitdem ist sein Gehalt um 40 % gestiegen. Wie viel verdient er jetzt?",
    ),
    (
        "fr",
        SALARY,
        "Adrien gagnait 40 000 $ il y a quatre ans. Depuis, son salaire a augmenté de 30 %. Combien gagne-t-il maintenant ?",
    ),
    ("zh", SALARY, "阿德里安四年前的收入是400美元。从那以后他的工资上涨了40%。他现在挣多少钱？"),
    (
        "fr",
        BALLS,
        "De combien de façons peut-on placer 4 boules dans 3 boîtes si les boules sont distinctes et les boîtes aussi ?",
    ),
    (
        "es",
        RECT,
        "Un rectángulo tiene un perímetro de 80 pulgadas y un área mayor que 240 centímetros cuadrados. ¿Cuántos rectángulos no congruentes cumplen estos criterios?",
    ),
    ("zh", NSIN, r"对于多少个不超过1000的正整数 $n$，等式 $(\sin t+i\cos t)^n=\sin nt-i\cos nt$ 对所有实数 $t$ 成立？"),
    (
        "de",
        NSIN,
        r"Für wie viele positive ganze Zahlen $n \ge 1000$ gilt $(\sin t+i\cos t)^n=\sin(nt)+i\cos(nt)$ für alle reellen $t$?",
    ),
    (
        "fr",
        COTS,
        r"Pour $x$ réel, soit $f(x)=0$ si $x$ est strictement supérieur à $1$ et $f(x)=2x-2$ si $x \geq 1$. Résolvez $f(f(x))=x$.",
    ),
    (
        "de",
        COTS,
        r"Für eine reelle Zahl $x$ sei $f(x)=0$, falls $x<1$, und $f(x)=2x-2$, falls $x$ kleiner oder gleich $1$ ist. Lösen Sie $f(f(x))=x$.",
    ),
    (
        "fr",
        PARTS,
        "Une bougie fond de 2 centimètres par heure. (a) Quelle est sa longueur après 3 heures si elle mesurait 20 centimètres ?",
    ),
    (
        "ru",
        PARTS,
        "Свеча тает на 2 сантиметра каждый час. (a) How long is it after 3 hours if it was 20 сантиметров long? (b) Когда она сгорит?",
    ),
    (
        "de",
        TABLES,
        "Ein Restaurant hat 40 Tische mit 3 Beinen und 50 Tische mit 3 Beinen. Berechne die Gesamtzahl der Tischbeine im Restaurant.",
    ),
    ("ru", DERIVE, r"Найдите производную функции $y = \frac{100-x^{2}}{100}$ в точке $x=2$."),
    ("zh", RUN, "詹姆斯跑3次冲刺。他一共跑了多少米？"),
]
MISSED = [
    (
        "es",
        BOOKS,
        "Diez libros idénticos cuestan como máximo 12 rublos, mientras que 11 de esos libros cuestan más de 11 rublos. ¿Cuánto?",
    ),
    (
        "de",
        BALLS,
        "Auf wie viele Arten kann man 4 Kugeln auf 3 Kästen verteilen, wenn die Kugeln unterschieden werden, die Kästen aber gleich sind?",
    ),
    (
        "de",
        RECT,
        "Ein Rechteck hat einen Umfang von 80 Zoll und einen Flächeninhalt von mehr als 240 Quadratzoll. Wie viele kongruente Rechtecke erfüllen diese Bedingungen?",
    ),
    (
        "it",
        COOKIES,
        "Cody mangia il doppio dei biscotti di Amir. Se Amir mangia 5 biscotti, quanti biscotti mangiano in tutto i due?",
    ),
    ("es", TEN, "¿Cuántos números de diez cifras existen en los que hay al menos tres cifras iguales?"),
]
